import assert from 'node:assert/strict'
import { access, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { Signal } from '#base/events.ts'
import { ComposerBusyError } from '#compose/errors.ts'
import type { PullDocument, PullSpec } from '#control/pull-document.ts'
import type { PullEvent } from '#control/pulls.ts'
import { Channels } from '#facades/agora/channels.ts'
import { CloudRecordings } from '#facades/agora/cloud/cloud-recordings.ts'
import { CloudRefusedError } from '#facades/agora/cloud/errors.ts'
import { eventually } from '#test/support/agora.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture, type TestPublisher } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const CALLER = { cname: 'my room', uid: '527841' }
const SECONDS = 40

const folders = new AsyncDisposableStack()
let source: ElementarySource
before(async () => {
  const folder = folders.use(await TempFolder.make())
  const encoding = ['-bf', '0']
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: SECONDS, size: '64x36', encoding })
  return () => folders.disposeAsync()
})

/** Cloud Recording without its door, on a recorder whose clock can be set ahead. */
class CloudFixture implements AsyncDisposable {
  readonly fixture: RecorderFixture
  readonly channels: Channels
  readonly pages: Pages
  cloud: CloudRecordings

  constructor(fixture: RecorderFixture) {
    this.fixture = fixture
    this.channels = new Channels(fixture.runtime, fixture.hub)
    this.pages = new Pages(fixture)
    this.cloud = this.#open()
  }

  static async open(): Promise<CloudFixture> {
    return new CloudFixture(await RecorderFixture.open())
  }

  #open(): CloudRecordings {
    const { runtime, recorder, root } = this.fixture
    // What mixes takes a real server; here the machine is always too busy for it.
    const composer = {
      start: () => Promise.reject(new ComposerBusyError(1, 1, 1)),
      compositions: () => [],
    }
    return new CloudRecordings({ runtime, recorder, composer, pulls: this.pages, channels: this.channels, root })
  }

  /** As after a restart: nothing is remembered. */
  async restart(): Promise<void> {
    await this.cloud[Symbol.asyncDispose]()
    this.cloud = this.#open()
  }

  /** A user of the channel, whose first half second is there. */
  join(uid: number): TestPublisher {
    const publisher = this.fixture.publish(`${encodeURIComponent(CALLER.cname)}/${uid}`)
    publisher.announce(source.formats)
    publisher.send(source.units.slice(0, 30))
    return publisher
  }

  async start(clientRequest: object = {}) {
    const { resourceId } = this.cloud.acquire({ ...CALLER, clientRequest: {} })
    const { sid } = await this.cloud.start(resourceId, 'individual', { ...CALLER, clientRequest })
    return { resourceId, sid, mode: 'individual' as const }
  }

  /** Resolves when so many recordings of the core are made. */
  async recording(count: number): Promise<void> {
    await eventually(async () => {
      const { recorder } = this.fixture
      return recorder.active().filter(({ state }) => state === 'recording').length === count
    }, `${count} recordings`)
  }

  async files(): Promise<string[]> {
    const entries = await readdir(this.fixture.root, { recursive: true, withFileTypes: true }).catch(() => [])
    const files = entries.filter((entry) => entry.isFile())
    return files.map(({ parentPath, name }) => join(parentPath, name).slice(this.fixture.root.length + 1)).toSorted()
  }

  path(relative: string): string {
    return join(this.fixture.root, relative)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cloud[Symbol.asyncDispose]()
    this.channels[Symbol.dispose]()
    await this.fixture[Symbol.asyncDispose]()
  }
}

/** Stands in for the browsers that open pages: each publishes the source. */
class Pages {
  readonly events = new Signal<PullEvent>((error) => assert.fail(String(error)))
  readonly opened: PullSpec[] = []
  readonly #fixture: RecorderFixture
  readonly #open = new Map<string, TestPublisher>()

  constructor(fixture: RecorderFixture) {
    this.#fixture = fixture
  }

  async add(spec: PullSpec): Promise<PullDocument> {
    this.opened.push(spec)
    const id = `pull-${this.opened.length}`
    const publisher = this.#fixture.publish(spec.path)
    publisher.send(source.units.slice(0, 100))
    this.#open.set(id, publisher)
    return { id } as PullDocument
  }

  list(): PullDocument[] {
    return Array.from(this.#open.keys(), (id) => ({ id }) as PullDocument)
  }

  async remove(id: string): Promise<PullDocument> {
    this.#open.get(id)?.end('disconnected')
    this.#open.delete(id)
    return { id } as PullDocument
  }

  /** The browser crashes. */
  crash(id: string): void {
    this.#open.get(id)?.end('lost')
    this.#open.delete(id)
    this.events.emit({ type: 'pull.removed', pull: { id } as PullDocument })
  }
}

const stopBody = { ...CALLER, clientRequest: {} }
const refusedWith = (vendorCode: number) => (error: unknown) =>
  error instanceof CloudRefusedError && error.refusal.vendorCode === vendorCode

test('a user is recorded into slices with a playlist and an MP4; who comes back goes on in his playlist', async () => {
  await using ars = await CloudFixture.open()
  const [first, other] = [ars.join(123), ars.join(7)]
  const target = await ars.start({
    recordingFileConfig: { avFileType: ['hls', 'mp4'] },
    storageConfig: { vendor: 1, bucket: 'b', accessKey: 'x', secretKey: 'y', fileNamePrefix: ['dir1', 'dir2'] },
  })
  const { sid } = target
  await ars.recording(4)
  for (const user of [first, other]) await user.sendSlowly(source.units.slice(30), 0, 100)
  first.end('unpublished')
  await ars.recording(2)
  const second = ars.join(123)
  await ars.recording(4)
  second.send(source.units.slice(30, 200))

  const { serverResponse: queried } = await ars.cloud.query(target)
  assert.equal(queried.status, 5)
  const [base, otherBase] = [123, 7].map((uid) => `dir1/dir2/${sid}_my room__uid_s_${uid}__uid_e_`)
  const stopped = await ars.cloud.stop(target, stopBody)
  const { serverResponse } = stopped
  assert.ok(serverResponse !== undefined && 'fileListMode' in serverResponse)
  assert.ok(serverResponse.fileListMode === 'json')
  assert.equal(serverResponse.uploadingStatus, 'uploaded')
  const ofUser = serverResponse.fileList.filter(({ uid }) => uid === '123')
  assert.equal(serverResponse.fileList.length - ofUser.length, 2)
  assert.deepEqual(ofUser.map(({ fileName }) => fileName).toSorted(), [
    `${base}0.mp4`,
    `${base}1.mp4`,
    `${base}av.m3u8`,
  ])
  for (const { trackType, uid, mixedAllUser, isPlayable, sliceStartTime } of ofUser) {
    assert.deepEqual([trackType, uid, mixedAllUser, isPlayable], ['audio_and_video', '123', false, true])
    assert.ok(Math.abs(sliceStartTime - Date.now()) < 600_000, String(sliceStartTime))
  }
  const playlist = await readFile(ars.path(`${base}av.m3u8`), 'utf8')
  const slices = playlist.split('\n').filter((line) => line.endsWith('.ts'))
  // 40 seconds are three slices, and the second visit is one.
  assert.equal(slices.length, 4, playlist)
  const form = new RegExp(`^${sid}_my_room__uid_s_123__uid_e_av_\\d{17}\\.ts$`)
  assert.ok(
    slices.every((slice) => form.test(slice)),
    playlist,
  )
  assert.equal(playlist.match(/#EXT-X-DISCONTINUITY/g)?.length, 2)
  assert.match(playlist, /^#EXTM3U\n/)
  assert.match(playlist, /#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=VIDEO,TIME=\d{17}\n/)
  assert.match(playlist, /#EXT-X-ENDLIST\n$/)
  const lengths = [...playlist.matchAll(/#EXTINF:([\d.]+),/g)].map(([, text]) => Number(text))
  assert.ok(Math.abs(lengths.slice(0, 3).reduce((sum, each) => sum + each, 0) - SECONDS) < 0.2, playlist)
  assert.ok(lengths.every((length) => Math.round(length) <= Number(/TARGETDURATION:(\d+)/.exec(playlist)?.[1])))

  // One visit alone: ffprobe complains of times that begin anew, which players are told of.
  const probed = await ffprobe(ars.path(`${otherBase}av.m3u8`))
  assert.deepEqual(probed.streams.map(({ codec_name: codec }) => codec).toSorted(), ['aac', 'h264'])
  assert.ok(Math.abs(Number(probed.format.duration) - SECONDS) < 0.2, probed.format.duration)
  const pictures = probed.packets.filter(({ stream_index: index }) => probed.streams[index]?.codec_type === 'video')
  assert.equal(pictures.length, SECONDS * 25)
  const mp4 = await ffprobe(ars.path(`${base}0.mp4`))
  assert.ok(Math.abs(Number(mp4.format.duration) - SECONDS) < 0.2, mp4.format.duration)

  await assert.rejects(ars.cloud.query(target), refusedWith(404))
  await assert.rejects(ars.cloud.stop(target, stopBody), refusedWith(49))
})

test('lists say whose sound and pictures are recorded, and may change', async () => {
  await using ars = await CloudFixture.open()
  ars.join(1)
  ars.join(2)
  const target = await ars.start({
    recordingConfig: { subscribeAudioUids: ['#allstream#'], unSubscribeVideoUids: ['2'] },
  })
  const tracksOf = () => {
    return ars.fixture.recorder
      .active()
      .filter(({ state }) => state === 'recording')
      .map(({ metadata, parts }) => {
        return `${metadata['agora.uid']} ${parts[0]?.tracks
          .map(({ kind }) => kind)
          .toSorted()
          .join()}`
      })
      .toSorted()
      .join('; ')
  }
  await eventually(async () => tracksOf() === '1 audio,video; 2 audio', 'sound of both, the picture of one')
  const update = (streamSubscribe: object) => {
    return ars.cloud.update(target, { ...CALLER, clientRequest: { streamSubscribe } })
  }
  const changed = update({ videoUidList: { subscribeVideoUids: ['2'] } })
  assert.equal(changed.sid, target.sid)
  await eventually(async () => tracksOf() === '2 video', 'the picture of the other')
  assert.throws(() => update({ audioUidList: { subscribeAudioUids: ['x'] } }), refusedWith(2))
  const { serverResponse } = await ars.cloud.stop(target, stopBody)
  assert.ok(serverResponse !== undefined && 'fileListMode' in serverResponse)
  assert.ok(serverResponse.fileListMode === 'json')
  assert.deepEqual(serverResponse.fileList.map(({ uid, trackType }) => `${uid} ${trackType}`).toSorted(), [
    '1 audio_and_video',
    '2 audio',
    '2 video',
  ])
})

test('without anybody in the channel it ends by itself, and there is nothing to stop any more', async () => {
  await using ars = await CloudFixture.open()
  const target = await ars.start({ recordingConfig: { maxIdleTime: 5 } })
  const { serverResponse } = await ars.cloud.query(target)
  assert.equal(serverResponse.status, 4)
  // A later one of another uid, that nobody sends to either, and is stopped.
  const other = { ...CALLER, uid: '7' }
  const { resourceId } = ars.cloud.acquire({ ...other, clientRequest: {} })
  const { sid } = await ars.cloud.start(resourceId, 'individual', { ...other, clientRequest: {} })
  const stopped = await ars.cloud.stop({ resourceId, sid, mode: 'individual' }, { ...other, clientRequest: {} })
  assert.deepEqual(stopped, { ...other, resourceId, sid, code: 435 })
  await eventually(async () => {
    return ars.cloud.query(target).then(
      () => false,
      (error: unknown) => refusedWith(404)(error),
    )
  }, 'its end')
  await assert.rejects(ars.cloud.stop(target, stopBody), refusedWith(404))
  assert.deepEqual(await ars.files(), [])
})

test('a resource is good for one recording of its caller’s, within five minutes', async () => {
  await using ars = await CloudFixture.open()
  const acquire = () => ars.cloud.acquire({ ...CALLER, clientRequest: {} }).resourceId
  const start = (resourceId: string, caller = CALLER) => {
    return ars.cloud.start(resourceId, 'individual', { ...caller, clientRequest: {} })
  }
  await assert.rejects(start('made-up'), refusedWith(1001))
  const [used, other, old] = [acquire(), acquire(), acquire()]
  await assert.rejects(start(used, { ...CALLER, uid: '2' }), refusedWith(432))
  const both = await Promise.allSettled([start(used), start(other)])
  const begun = both.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  assert.equal(begun.length, 1, 'one uid is in a channel once')
  assert.ok(both.some((result) => result.status === 'rejected' && refusedWith(53)(result.reason)))
  const { resourceId = '', sid = '' } = begun[0] ?? {}
  await assert.rejects(start(resourceId), refusedWith(7))
  await assert.rejects(start(old), refusedWith(53))
  const target = { resourceId, sid, mode: 'individual' } as const
  await assert.rejects(ars.cloud.query({ ...target, resourceId: 'another' }), refusedWith(1003))
  await assert.rejects(ars.cloud.query({ ...target, mode: 'mix' }), refusedWith(404))
  await assert.rejects(ars.cloud.stop(target, { ...stopBody, uid: '2' }), refusedWith(432))
  assert.throws(() => ars.cloud.updateLayout(target, stopBody), refusedWith(1028))
  await ars.cloud.stop(target, stopBody)
  await assert.rejects(start(resourceId), refusedWith(7))
  ars.fixture.advance(5 * 60_000 + 1)
  await assert.rejects(start(old), refusedWith(433))
  // What the machine can't mix is to be tried again.
  const mixed = ars.cloud.start(acquire(), 'mix', { ...CALLER, clientRequest: {} })
  await assert.rejects(mixed, (error: unknown) => {
    return refusedWith(65)(error) && error instanceof CloudRefusedError && error.refusal.status === 503
  })
})

test('what can’t be is refused before anything is recorded', async () => {
  await using ars = await CloudFixture.open()
  for (const body of [
    undefined,
    [],
    { uid: '1', clientRequest: {} },
    { cname: 'x', clientRequest: {} },
    { cname: 'x', uid: 1, clientRequest: {} },
    { cname: 'x', uid: '0', clientRequest: {} },
    { cname: 'x', uid: '4294967296', clientRequest: {} },
    { cname: 'x', uid: '1' },
    { cname: 'x', uid: '1', clientRequest: { resourceExpiredHour: 0 } },
    { cname: 'x', uid: '1', clientRequest: { scene: 2 } },
  ]) {
    assert.throws(() => ars.cloud.acquire(body), refusedWith(2), JSON.stringify(body))
  }
  assert.throws(() => ars.cloud.acquire({ cname: 'a/b', uid: '1', clientRequest: {} }), refusedWith(1013))
  const { resourceId } = ars.cloud.acquire({ ...CALLER, clientRequest: {} })
  for (const clientRequest of [
    { recordingConfig: 1 },
    { recordingConfig: { streamTypes: 3 } },
    { recordingConfig: { maxIdleTime: 4 } },
    { recordingConfig: { decryptionMode: 1 } },
    { recordingConfig: { streamTypes: 0, subscribeVideoUids: ['1'] } },
    { recordingConfig: { subscribeAudioUids: ['1'], unSubscribeAudioUids: ['2'] } },
    { recordingConfig: { transcodingConfig: { width: 1921 } } },
    { recordingConfig: { transcodingConfig: { width: 1920, height: 1920 } } },
    { recordingConfig: { transcodingConfig: { mixedVideoLayout: 3 } } },
    { recordingConfig: { transcodingConfig: { backgroundColor: 'red' } } },
    { recordingFileConfig: { avFileType: [] } },
    { recordingFileConfig: { avFileType: ['mp4', 'mp4'] } },
    { recordingFileConfig: { avFileType: ['webm'] } },
    { storageConfig: { fileNamePrefix: ['..'] } },
    { storageConfig: { fileNamePrefix: ['a/b'] } },
    { storageConfig: { fileNamePrefix: [''] } },
    { storageConfig: { fileNamePrefix: ['.hidden'] } },
    { snapshotConfig: {} },
    { extensionServiceConfig: {} },
    { appsCollection: { combinationPolicy: 'postpone_transcoding' } },
  ]) {
    const body = { ...CALLER, clientRequest }
    await assert.rejects(ars.cloud.start(resourceId, 'individual', body), refusedWith(2), JSON.stringify(clientRequest))
  }
  const service = (serviceParam: object, serviceName = 'web_recorder_service') => ({ serviceName, serviceParam })
  for (const extensionServices of [
    [],
    [service({ url: 'https://example.com' }, 'rtmp_publish_service')],
    [service({ url: 'https://example.com' }), service({}, 'rtmp_publish_service')],
    [service({})],
    [service({ url: 'file:///etc/passwd' })],
    [service({ url: 'https://exam ple.com' })],
    [service({ url: 'https://example.com', videoWidth: 4000 })],
    [service({ url: 'https://example.com', onhold: true })],
  ]) {
    const body = { ...CALLER, clientRequest: { extensionServiceConfig: { extensionServices } } }
    await assert.rejects(ars.cloud.start(resourceId, 'web', body), refusedWith(2), JSON.stringify(extensionServices))
  }
  assert.equal((await ars.cloud.start(resourceId, 'individual', { ...CALLER, clientRequest: {} })).sid.length, 32)
})

test('a page is recorded until it is stopped, or its browser is lost', async () => {
  await using ars = await CloudFixture.open()
  const open = async (uid: string) => {
    const caller = { ...CALLER, uid }
    const { resourceId } = ars.cloud.acquire({ ...caller, clientRequest: { scene: 1 } })
    const serviceParam = { url: 'https://example.com/#top', videoWidth: 641, videoHeight: 360, maxRecordingHour: 1 }
    const extensionServices = [{ serviceName: 'web_recorder_service', serviceParam }]
    const recordingFileConfig = { avFileType: ['hls', 'mp4'] }
    const clientRequest = { extensionServiceConfig: { extensionServices }, recordingFileConfig }
    const { sid } = await ars.cloud.start(resourceId, 'web', { ...caller, clientRequest })
    return { target: { resourceId, sid, mode: 'web' as const }, body: { ...caller, clientRequest: {} } }
  }
  const first = await open('1')
  const { sid } = first.target
  assert.deepEqual(
    ars.pages.opened.map(({ url, path, keepAlive }) => [url, path, keepAlive]),
    [['page+https://example.com/#top:~:size=640x360&fps=15', `agora-cloud/${sid}`, false]],
  )
  await ars.recording(2)
  const { serverResponse: going } = await ars.cloud.query(first.target)
  assert.ok('extensionServiceState' in going)
  assert.deepEqual(going.extensionServiceState[0]?.serviceName, 'web_recorder_service')
  assert.throws(() => ars.cloud.update(first.target, first.body), refusedWith(2))
  const { serverResponse } = await ars.cloud.stop(first.target, first.body)
  const files = [`${sid}_my room.m3u8`, `${sid}_my room_0.mp4`]
  assert.ok(serverResponse !== undefined && 'extensionServiceState' in serverResponse)
  const [uploader, recorder] = serverResponse.extensionServiceState
  assert.deepEqual(uploader?.payload, { uploadingStatus: 'uploaded' })
  assert.ok(recorder !== undefined && 'fileList' in recorder.payload && Array.isArray(recorder.payload.fileList))
  assert.deepEqual(recorder.payload.fileList.map((file: { filename: string }) => file.filename).toSorted(), files)
  for (const file of files) assert.equal((await ffprobe(ars.path(file))).streams.length, 2)

  const second = await open('2')
  await ars.recording(2)
  ars.pages.crash('pull-2')
  await eventually(async () => {
    return ars.cloud.query(second.target).then(
      () => false,
      (error: unknown) => refusedWith(404)(error),
    )
  }, 'its end')
  // Without waiting for its files.
  const third = await open('3')
  const stopped = await ars.cloud.stop(third.target, { ...third.body, clientRequest: { async_stop: true } })
  assert.equal(stopped.serverResponse, undefined)
  await ars.recording(0)
})

test('a playlist goes with the recordings it lists, also after a restart', async () => {
  await using ars = await CloudFixture.open()
  const user = ars.join(5)
  const target = await ars.start()
  await ars.recording(1)
  user.send(source.units.slice(30, 200))
  const [running] = ars.fixture.recorder.active()
  // The service ends in the midst of it: its recordings are made whole, and so is the playlist.
  await ars.restart()
  const playlist = ars.path(`${target.sid}_my room__uid_s_5__uid_e_av.m3u8`)
  assert.match(await readFile(playlist, 'utf8'), /\.ts\n#EXT-X-ENDLIST\n$/)
  await eventually(async () => ars.fixture.recorder.active().length === 0, 'its end')
  // A kill leaves it as it was while it went on; what becomes of its recording may be over before anybody listens.
  const text = await readFile(playlist, 'utf8')
  await writeFile(playlist, text.replace('#EXT-X-ENDLIST\n', ''))
  await ars.restart()
  await eventually(async () => (await readFile(playlist, 'utf8')) === text, 'its end once more')
  await ars.fixture.recorder.remove(running?.id ?? '')
  const isGone = () =>
    access(playlist).then(
      () => false,
      () => true,
    )
  await eventually(isGone, 'the end of the playlist')
  assert.deepEqual(await ars.files(), [])
})
