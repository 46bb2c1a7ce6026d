import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CombinedStreams } from '#control/combined-streams.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe, readWithFfmpeg8 } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { testConfig } from '#test/support/test-config.ts'

/** Several encoders into one MP4, each as tracks of its own. */

/** How far a track may be from when its publisher came: a program starts to send late when processors are busy. */
const ALIGNMENT_MS = 1_000

interface Room extends AsyncDisposable {
  readonly fixture: RecorderFixture
  readonly combined: CombinedStreams
  readonly rtmp: string
  /** When each publication began, milliseconds. */
  readonly arrivals: { readonly path: string; readonly ms: number }[]
}

async function openRoom(): Promise<Room> {
  await using owned = new AsyncDisposableStack()
  const fixture = owned.use(await RecorderFixture.open())
  const { hub, runtime } = fixture
  const access = { authorize: async () => {} }
  const config = testConfig(fixture.folder.path).rtmp
  const server = owned.use(new RtmpServer({ runtime, hub, access, config, dataDir: fixture.folder.path }))
  const { rtmp } = await server.listen()
  const arrivals: { path: string; ms: number }[] = []
  owned.use(hub.streamStarted.listen(({ path }) => void arrivals.push({ path, ms: performance.now() })))
  const combined = owned.use(new CombinedStreams(runtime, hub))
  const kept = owned.move()
  return {
    fixture,
    combined,
    rtmp: `rtmp://127.0.0.1:${rtmp?.port}`,
    arrivals,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

const SIZES = ['160x90', '176x98', '192x108']

function arrivedMs({ arrivals }: Room, wanted: string, index = 0): number {
  return arrivals.filter(({ path }) => path === wanted)[index]?.ms ?? Number.NaN
}

function publish(room: Room, { path }: ElementarySource, name: string): Promise<unknown> {
  const output = ['-c', 'copy', '-flvflags', 'no_duration_filesize', '-f', 'flv', `${room.rtmp}/room/${name}`]
  return program('ffmpeg', ['-v', 'error', '-re', '-i', path, ...output])
}

/** The publisher is gone, and all that it sent was read. */
async function left({ combined }: Room, wanted: string): Promise<void> {
  const isLive = () => combined.list()[0]?.sources.some((source) => source.path === wanted && source.isLive)
  while (isLive() === true) await sleep(10)
}

/** Different pictures and tones, so that a track in a wrong place would show. */
function participants(room: Room, seconds: number): Promise<ElementarySource[]> {
  return Promise.all(
    SIZES.map((size) => makeSource(room.fixture.folder, { video: 'h264', audio: 'aac', seconds, size })),
  )
}

/** ffmpeg's MD5 of one track of a file. */
async function trackHash(path: string, index: number): Promise<string> {
  const { stdout } = await program('ffmpeg', [
    ...['-v', 'error', '-i', path, '-map', `0:${index}`],
    ...['-c', 'copy', '-f', 'streamhash', '-hash', 'md5', '-'],
  ])
  return stdout.trim().split('=')[1] ?? ''
}

/** Video and audio as the recording's tracks; ffmpeg numbers them as they stand in the file. */
async function recordedTracks(path: string) {
  const { streams, packets } = await ffprobe(path)
  return streams.map(({ codec_type, width }, index) => {
    const own = packets.filter((packet) => packet.stream_index === index)
    return { index, kind: codec_type, width, startMs: Number(own[0]?.pts_time) * 1000, packets: own.length }
  })
}

async function assertWhole(recording: RecordingDocument, room: Room): Promise<void> {
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  for (const { received, written, lost } of recording.ledger.tracks) assert.deepEqual([written, lost], [received, 0])
  await room.fixture.assertProved(recording)
}

test('three encoders of picture and sound: six tracks in one MP4, each as it was sent', {
  timeout: 60_000,
}, async () => {
  await using room = await openRoom()
  const sources = await participants(room, 4)
  room.combined.create('room/all')
  const { id } = await room.fixture.start({ stream: 'room/all', format: 'mp4' })
  const names = ['a', 'b', 'c']
  for (const name of names) room.combined.add('room/all', `room/${name}`)
  await Promise.all(sources.map((source, index) => publish(room, source, names[index] ?? '')))
  for (const name of names) await left(room, `room/${name}`)
  room.combined.end('room/all')
  const recording = await room.fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  await assertWhole(recording, room)
  assert.equal(recording.parts.length, 1)
  const [path = ''] = room.fixture.paths(recording)
  const tracks = await recordedTracks(path)
  assert.deepEqual(tracks.map(({ kind }) => kind).sort(), ['audio', 'audio', 'audio', 'video', 'video', 'video'])
  const recorded = new Set(await Promise.all(tracks.map(({ index }) => trackHash(path, index))))
  for (const source of sources) {
    assert.ok(recorded.has(await trackHash(source.path, 0)), 'its picture is there')
    assert.ok(recorded.has(await trackHash(source.path, 1)), 'its sound is there')
  }
  for (const [index, { startMs, width }] of tracks.entries()) {
    if (width === undefined) continue
    const name = names[SIZES.findIndex((size) => size.startsWith(`${width}x`))]
    const cameMs = arrivedMs(room, `room/${name}`) - Math.min(...names.map((each) => arrivedMs(room, `room/${each}`)))
    assert.ok(Math.abs(startMs - cameMs) < ALIGNMENT_MS, `track ${index} at ${startMs} instead of ${cameMs}`)
  }
  const { streams } = await readWithFfmpeg8(path)
  assert.equal(streams.length, 6)
})

test('who comes late, leaves and returns has his own tracks, at the right time', { timeout: 60_000 }, async () => {
  await using room = await openRoom()
  const { fixture, combined } = room
  const long = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 9, size: '160x90' })
  const short = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 2, size: '192x108' })
  combined.create('room/all')
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  for (const name of ['a', 'b']) combined.add('room/all', `room/${name}`)
  const staying = publish(room, long, 'a')
  await sleep(2_000)
  await publish(room, short, 'b')
  await left(room, 'room/b')
  await sleep(1_000)
  await publish(room, short, 'b')
  await staying
  for (const name of ['a', 'b']) await left(room, `room/${name}`)
  combined.end('room/all')
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  await assertWhole(recording, room)
  const [path = ''] = fixture.paths(recording)
  assert.equal(recording.parts.length, 1)
  const { streams, packets } = await ffprobe(path)
  assert.equal(streams.length, 4, 'a returning source gets its tracks back')
  const hashes = await Promise.all(streams.map((_, index) => trackHash(path, index)))
  assert.ok(hashes.includes(await trackHash(long.path, 0)))
  assert.ok(hashes.includes(await trackHash(long.path, 1)))
  const sent = (await ffprobe(short.path)).packets.filter(({ stream_index }) => stream_index === 0)
  const picture = streams.findIndex(({ width }) => width === 192)
  const shown = packets.filter(({ stream_index }) => stream_index === picture)
  assert.equal(shown.length, 2 * sent.length)
  assert.deepEqual(
    shown.map(({ size }) => size),
    [...sent, ...sent].map(({ size }) => size),
  )
  const dtsMs = shown.map(({ dts_time }) => Number(dts_time) * 1000)
  const [cameMs, returnedMs] = [arrivedMs(room, 'room/b'), arrivedMs(room, 'room/b', 1)]
  const breakMs = (dtsMs[sent.length] ?? 0) - (dtsMs[0] ?? 0)
  assert.ok(Math.abs(breakMs - (returnedMs - cameMs)) < ALIGNMENT_MS, `${breakMs} of ${returnedMs - cameMs} ms`)
  const firstMs = dtsMs[0] ?? 0
  const lateMs = cameMs - arrivedMs(room, 'room/a')
  assert.ok(Math.abs(firstMs - lateMs) < ALIGNMENT_MS, `came ${firstMs} instead of ${lateMs} ms after the first`)
})
