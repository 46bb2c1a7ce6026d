import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ChannelRecordings } from '#facades/agora/channel-recordings.ts'
import { Channels } from '#facades/agora/channels.ts'
import { AgoraRefusedError } from '#facades/agora/errors.ts'
import { eventually } from '#test/support/agora.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture, type TestPublisher } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const HOUR_MS = 3600 * 1000
const NO_OPTIONS = { tag: '', audioOnly: false }

const folders = new AsyncDisposableStack()
const sources = new Map<string, ElementarySource>()
before(async () => {
  const folder = folders.use(await TempFolder.make())
  sources.set('h264', await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '64x36' }))
  sources.set('h265', await makeSource(folder, { video: 'h265', audio: 'aac', seconds: 1, size: '160x90' }))
  sources.set('opus', await makeSource(folder, { video: 'h264', audio: 'opus', seconds: 1, size: '64x36' }))
  return () => folders.disposeAsync()
})

/** The facade's recording, without its doors, on a recorder whose clock can be set ahead. */
class ChannelFixture implements AsyncDisposable {
  readonly fixture: RecorderFixture
  readonly channels: Channels
  readonly recordings: ChannelRecordings

  constructor(fixture: RecorderFixture, emptyMs = 60_000) {
    this.fixture = fixture
    const { runtime, recorder, hub, root } = fixture
    this.channels = new Channels(runtime, hub)
    const tree = { root, isUtc: true, closesErrorStatus: false }
    this.recordings = new ChannelRecordings({ runtime, recorder, channels: this.channels, tree, emptyMs })
  }

  static async open(emptyMs?: number): Promise<ChannelFixture> {
    return new ChannelFixture(await RecorderFixture.open(), emptyMs)
  }

  /** Publishes a whole source as a user, who stays. */
  join(path: string, source = 'h264'): TestPublisher {
    const publisher = this.fixture.publish(path)
    const found = sources.get(source)
    assert.ok(found !== undefined)
    publisher.announce(found.formats)
    publisher.send(found.units)
    return publisher
  }

  async files(): Promise<string[]> {
    const entries = await readdir(this.fixture.root, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return files.map(({ parentPath, name }) => `${parentPath.slice(this.fixture.root.length + 1)}/${name}`).toSorted()
  }

  async tmpFiles(): Promise<string[]> {
    return (await this.files()).filter((file) => file.endsWith('.tmp'))
  }

  async recorded(count: number): Promise<string[]> {
    await eventually(async () => (await this.tmpFiles()).length === count, `${count} files`)
    return this.tmpFiles()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channels[Symbol.dispose]()
    await this.recordings[Symbol.asyncDispose]()
    await this.fixture[Symbol.asyncDispose]()
  }
}

/** Sets the clock to this time of a day to come. */
function setClock(fixture: RecorderFixture, timeMs: number): void {
  const nowMs = fixture.runtime.nowMs()
  const midnightMs = Math.ceil(nowMs / (24 * HOUR_MS)) * 24 * HOUR_MS
  fixture.advance(midnightMs + timeMs - nowMs)
}

test('Recording over midnight stays in the directory of its start; restart next day makes the new date.', async () => {
  await using ars = await ChannelFixture.open()
  const { fixture, recordings } = ars
  setClock(fixture, 24 * HOUR_MS - 60_000)
  const day = () => new Date(fixture.runtime.nowMs()).toISOString().slice(0, 10).replaceAll('-', '_')
  const today = day()
  ars.join('room/1')
  const directory = await recordings.start('room', NO_OPTIONS)
  await ars.recorded(1)
  fixture.advance(10 * 60_000)
  const tomorrow = day()
  assert.notEqual(tomorrow, today)
  ars.join('room/2')
  const files = await ars.recorded(2)
  assert.ok(directory.startsWith(`${today}/room_2359`), directory)
  assert.ok(files[0]?.startsWith(`${directory}/1_2359`), files[0])
  assert.ok(files[1]?.startsWith(`${directory}/2_0009`), files[1])
  await recordings.stop('room')
  const next = await recordings.start('room', NO_OPTIONS)
  assert.ok(next.startsWith(`${tomorrow}/room_0009`), next)
  await recordings.stop('room')
})

test('a user who returns gets a new file, two in one second are told apart, and uid 0 gets a number', async () => {
  await using ars = await ChannelFixture.open()
  const first = ars.join('room/7')
  await ars.recordings.start('room', NO_OPTIONS)
  ars.join('room/8')
  await ars.recorded(2)
  first.end('unpublished')
  ars.join('room/7')
  const files = await ars.recorded(3)
  const ofSeven = files.filter((file) => /\/7_\d{6}(_1)?\.tmp$/.test(file))
  assert.equal(ofSeven.length, 2, files.join())
  ars.join('room/0')
  await ars.recorded(4)
  const [assigned] = ars.channels.users('room').filter(({ stream }) => stream.path === 'room/0')
  assert.ok(assigned !== undefined && assigned.uid > 0)
  assert.ok((await ars.tmpFiles()).some((file) => file.includes(`/${assigned.uid}_`)))
  await ars.recordings.stop('room')
  for (const file of await ars.tmpFiles()) assert.ok((await ffprobe(`${ars.fixture.root}/${file}`)).packets.length > 50)
})

test('pictures that are no H.264 are not recorded, other users are; sound becomes AAC', async () => {
  await using ars = await ChannelFixture.open()
  ars.join('room/1', 'h265')
  ars.join('room/2', 'opus')
  await ars.recordings.start('room', NO_OPTIONS)
  await ars.recorded(1)
  await sleep(300)
  await ars.recordings.stop('room')
  const files = await ars.tmpFiles()
  assert.equal(files.length, 1)
  assert.match(files[0] ?? '', /\/2_\d{6}\.tmp$/)
  const { streams } = await ffprobe(`${ars.fixture.root}/${files[0]}`)
  assert.deepEqual(streams.map(({ codec_name: codec }) => codec).toSorted(), ['aac', 'h264'])
  // Sound alone is anybody's.
  await ars.recordings.start('room', { tag: '', audioOnly: true })
  ars.join('room/3', 'h265')
  await ars.recorded(4)
  await ars.recordings.stop('room')
})

test('a channel that lost its last user waits for somebody to come back, and one that is empty is not started', async () => {
  await using ars = await ChannelFixture.open(300)
  await assert.rejects(ars.recordings.start('room', NO_OPTIONS), AgoraRefusedError)
  assert.deepEqual(await readdir(ars.fixture.root).catch(() => []), [])
  const lost = ars.join('room/1')
  const directory = await ars.recordings.start('room', NO_OPTIONS)
  await ars.recorded(1)
  lost.end('lost')
  await sleep(50)
  const back = ars.join('room/1')
  await sleep(500)
  assert.ok(ars.recordings.isRecording('room'))
  assert.equal(await ars.recordings.start('room', NO_OPTIONS), directory)
  back.end('lost')
  await eventually(async () => !ars.recordings.isRecording('room'), 'the stop')
  const another = ars.join('room/1')
  await ars.recordings.start('room', NO_OPTIONS)
  another.end('unpublished')
  await eventually(async () => !ars.recordings.isRecording('room'), 'the stop')
})

test('streams that are no user of a channel are nobody’s', async () => {
  await using ars = await ChannelFixture.open()
  for (const path of ['room', 'room/x', 'room/1/2', 'room/4294967296', 'röom/1', 'a%2Fb/1']) ars.join(path)
  for (const channel of ['room', 'röom', 'a/b', 'a%2Fb']) assert.deepEqual(ars.channels.users(channel), [])
  ars.join('my%20room/1')
  ars.join('100%/1')
  assert.equal(ars.channels.users('my room').length, 1)
  assert.equal(ars.channels.users('100%').length, 1)
})
