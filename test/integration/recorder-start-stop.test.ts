import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TrackFormat } from '#media/track.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, type JudgedFile, judgedFile } from '#test/support/packet-judge.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Past the last access unit. */
const END = 60

let folder: TempFolder
let source: ElementarySource
/** What FFmpeg 8 reads of the source: the yardstick of every file. */
let sent: JudgedFile

before(async () => {
  folder = await TempFolder.make()
  // GOPs of one second, two B-frames.
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4 })
  sent = await judgedFile(source.path, 'as-is')
})

after(() => folder[Symbol.asyncDispose]())

const seconds = ({ dts, format }: { dts: number; format: TrackFormat }) => dts / format.timescale
const between = (from: number, to: number) => source.units.filter((u) => seconds(u) >= from && seconds(u) < to)
const hashes = (file: JudgedFile, kind: 'video' | 'audio') =>
  file.tracks.filter((track) => track.kind === kind).flatMap(({ packets }) => packets.map(({ hash }) => hash))

/** Without a page of hashes when they differ. */
function assertSame(actual: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((hash, index) => actual[index] !== hash)
  assert.deepEqual({ count: actual.length, differsAt: at }, { count: expected.length, differsAt: -1 })
}

test('from the first access unit to the last: all of it, on both tracks, in time', async () => {
  await using fixture = await RecorderFixture.open()
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(source.units)
  publisher.end('unpublished')
  const recording = await fixture.ready()
  assert.equal(recording.id, id)
  const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
  assertPlaysAlone(file, 'recording')
  for (const kind of ['video', 'audio'] as const) assertSame(hashes(file, kind), hashes(sent, kind))
  assert.ok(Math.abs(recording.durationMs - 4_000) < 60, String(recording.durationMs))
  await fixture.assertProved(recording)
  assert.deepEqual(fixture.told(id), [
    'recording.waiting',
    'part.opened',
    'recording.started',
    'recording.finishing',
    'part.ready',
    'recording.ready',
  ])
})

test('what events say of a recording is so when they say it', async () => {
  await using fixture = await RecorderFixture.open()
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(source.units)
  publisher.end('unpublished')
  await fixture.ready()
  const documents = new Map(fixture.events.map((event) => [event.type, event.recording]))
  const written = (type: string) => documents.get(type as never)?.ledger.tracks.some((track) => track.written > 0)
  assert.equal(documents.get('recording.waiting')?.state, 'waiting')
  assert.equal(documents.get('part.opened')?.state, 'waiting')
  assert.equal(written('part.opened'), false)
  assert.equal(documents.get('recording.started')?.state, 'recording')
  assert.equal(written('recording.started'), true)
  assert.ok((documents.get('recording.started')?.bytes ?? 0) > 0)
  assert.equal(documents.get('recording.finishing')?.parts[0]?.state, 'open')
  assert.equal(documents.get('part.ready')?.state, 'finishing')
  assert.equal(documents.get('recording.ready')?.parts[0]?.state, 'ready')
  assert.equal(documents.get('recording.ready')?.id, id)
})

test('in mid-GOP it begins at the remembered random access point, at once', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(between(0, 1))
  publisher.send(between(1, 1.7))
  fixture.advance(60_000)
  const requestedMs = fixture.runtime.nowMs()
  const { id } = await fixture.start()
  const begun = await fixture.event('part.opened')
  // It says when it came, not when the recording was asked for.
  const [part] = begun.recording.parts
  for (const startedAt of [begun.recording.startedAt, part?.startedAt]) {
    assert.ok(Date.parse(startedAt ?? '') <= requestedMs - 60_000, startedAt ?? 'no time')
  }
  publisher.send(between(1.7, END))
  const recording = await fixture.recorder.stop(id)
  const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
  assertPlaysAlone(file, 'recording')
  // 25 pictures a GOP.
  assertSame(hashes(file, 'video'), hashes(sent, 'video').slice(25))
  const audio = hashes(sent, 'audio')
  const first = audio.indexOf(hashes(file, 'audio')[0] ?? '')
  assertSame(hashes(file, 'audio'), audio.slice(first))
  assert.ok(Math.abs((file.tracks[0]?.packets[0]?.ptsMs ?? 0) - (file.tracks[1]?.packets[0]?.ptsMs ?? 0)) < 25)
  await fixture.assertProved(recording)
})

test('startOn now begins with the next access unit, decodable or not', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(between(0, 1.5))
  const { id } = await fixture.start({ startOn: 'now' })
  publisher.send(between(1.5, END))
  const recording = await fixture.recorder.stop(id)
  const wanted = between(1.5, END).filter(({ format }) => format.kind === 'video').length
  assert.equal(recording.ledger.tracks.find(({ kind }) => kind === 'video')?.written, wanted)
  await fixture.assertProved(recording)
})

test('several recordings of one stream at once, in different formats, begun and ended apart', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(between(0, 0.5))
  const mp4 = await fixture.start({ format: 'mp4' })
  publisher.send(between(0.5, 1.5))
  const flv = await fixture.start({ format: 'flv' })
  publisher.send(between(1.5, 2.5))
  const ts = await fixture.start({ format: 'ts' })
  const stopped = [await fixture.recorder.stop(mp4.id)]
  await publisher.sendSlowly(between(2.5, END))
  stopped.push(await fixture.recorder.stop(flv.id), await fixture.recorder.stop(ts.id))
  const pictures = stopped.map(({ ledger }) => ledger.tracks.find(({ kind }) => kind === 'video')?.written)
  const until25 = between(0, 2.5).filter(({ format }) => format.kind === 'video').length
  assert.deepEqual(pictures, [until25, 75, 50])
  for (const recording of stopped) {
    assert.equal(recording.state, 'ready')
    const [path = ''] = fixture.paths(recording)
    const framing = recording.format === 'ts' ? 'bare' : 'as-is'
    const file = await judgedFile(path, framing)
    assertPlaysAlone(file, path)
    const all = hashes(await judgedFile(source.path, framing), 'video')
    const first = all.indexOf(hashes(file, 'video')[0] ?? '')
    assertSame(hashes(file, 'video'), all.slice(first, first + hashes(file, 'video').length))
    await ffprobe(path)
    await fixture.assertProved(recording)
  }
})

test('a stream of one picture is a recording of one picture, and says that it recorded', async () => {
  for (const format of ['mp4', 'flv', 'ts'] as const) {
    await using fixture = await RecorderFixture.open()
    const { id } = await fixture.start({ waitForStream: true, format })
    const publisher = fixture.publish('live/cam1')
    publisher.send(
      between(0, END)
        .filter((unit) => unit.format.kind === 'video')
        .slice(0, 1),
    )
    publisher.end('unpublished')
    const recording = await fixture.ready()
    assert.equal(recording.ledger.tracks[0]?.written, 1, format)
    const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
    assert.equal(file.tracks[0]?.packets.length, 1)
    assert.ok(fixture.told(id).includes('recording.started'), format)
    await fixture.assertProved(recording)
  }
})

test('stopped while it waits for a stream, it has failed for want of media, and holds no file', async () => {
  await using fixture = await RecorderFixture.open()
  const { id } = await fixture.start({ waitForStream: true })
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.state, 'failed')
  assert.equal(recording.error?.code, 'recorder/nothing-recorded')
  assert.deepEqual(recording.parts, [])
  await fixture.assertProved(recording)
})

test('stopped while it gathers, it keeps what was gathered', async () => {
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 60_000 } })
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start()
  // Audio was never announced, so the recording waits for it.
  publisher.send(between(0, 1).filter(({ format }) => format.kind === 'video'))
  assert.equal((await fixture.recorder.get(id)).parts.length, 0)
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.ledger.tracks[0]?.written, 25)
  await fixture.assertProved(recording)
})

test('stopped twice and by several at once, all get the same final answer', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start()
  publisher.send(between(0, 2))
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => fixture.recorder.stop(id)))
  others.push(await fixture.recorder.stop(id))
  for (const other of others) assert.deepEqual(other, first)
  publisher.send(between(2, END))
  assert.deepEqual(await fixture.recorder.get(id), first)
  assert.equal(fixture.told(id).filter((type) => type === 'recording.ready').length, 1)
})

test('a stopped recording leaves the stream to the next', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(between(0, 1.5))
  const paths: string[] = []
  for (let i = 0; i < 3; i++) {
    const { id } = await fixture.start()
    const recording = await fixture.recorder.stop(id)
    paths.push(recording.parts[0]?.path ?? '')
    await fixture.assertProved(recording)
  }
  assert.deepEqual(paths, ['cam1.mp4', 'cam1_v2.mp4', 'cam1_v3.mp4'])
})

const only = (kind: 'video' | 'audio', units: readonly SourceUnit[]) => units.filter((u) => u.format.kind === kind)

for (const kind of ['video', 'audio'] as const) {
  test(`a stream of ${kind} alone begins once the other was waited for`, async () => {
    await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 300 } })
    const publisher = fixture.publish('live/cam1')
    const { id } = await fixture.start()
    publisher.send(only(kind, between(0, 1)))
    await fixture.event('part.opened')
    publisher.send(only(kind, between(1, END)))
    const recording = await fixture.recorder.stop(id)
    const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
    assertSame(hashes(file, kind), hashes(sent, kind))
    assert.equal(file.tracks.length, 1)
    await fixture.assertProved(recording)
  })
}

for (const { late, wait } of [
  { late: 'audio', wait: 1_000 },
  { late: 'audio', wait: 100 },
  { late: 'video', wait: 1_000 },
  { late: 'video', wait: 100 },
] as const) {
  for (const format of ['mp4', 'flv', 'ts'] as const) {
    const when = wait > 300 ? 'is waited for' : 'joins the file'
    test(`${late} that comes late ${when} (${format})`, async () => {
      await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: wait } })
      const publisher = fixture.publish('live/cam1')
      const { id } = await fixture.start({ format })
      publisher.send(only(late === 'audio' ? 'video' : 'audio', between(0, 1)))
      if (wait < 300) await fixture.event('part.opened')
      await publisher.sendSlowly(between(1, END))
      const recording = await fixture.recorder.stop(id)
      assert.equal(recording.parts.length, 1)
      const framing = format === 'ts' ? 'bare' : 'as-is'
      const file = await judgedFile(fixture.path(recording.parts[0]), framing)
      const all = await judgedFile(source.path, framing)
      const first = hashes(all, late).indexOf(hashes(file, late)[0] ?? '')
      assertSame(hashes(file, late), hashes(all, late).slice(first))
      const early = late === 'audio' ? 'video' : 'audio'
      assertSame(hashes(file, early), hashes(all, early))
      const start = (kind: 'video' | 'audio', { tracks }: JudgedFile) =>
        tracks.find((track) => track.kind === kind)?.packets[0]?.ptsMs ?? 0
      const apart = start(late, file) - start(early, file)
      const wanted = (all.tracks.find((t) => t.kind === late)?.packets[first]?.ptsMs ?? 0) - start(early, all)
      assert.ok(Math.abs(apart - wanted) < 2, `${late} begins ${apart} ms after ${early} instead of ${wanted}`)
      await fixture.assertProved(recording)
    })
  }
}

test('video that appears in mid-GOP is recorded from its first random access point', async () => {
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 100 } })
  const publisher = fixture.publish('live/cam1')
  const { id } = await fixture.start()
  publisher.send(only('audio', between(0, 1)))
  await fixture.event('part.opened')
  publisher.send(between(1.5, END))
  const recording = await fixture.recorder.stop(id)
  const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
  assertPlaysAlone(file, 'recording')
  assertSame(hashes(file, 'video'), hashes(sent, 'video').slice(50))
  await fixture.assertProved(recording)
})

test('a track that was not asked for is neither waited for nor recorded', async () => {
  for (const kind of ['audio', 'video'] as const) {
    await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 60_000 } })
    const publisher = fixture.publish('live/cam1')
    publisher.send(between(0, 1.5))
    const { id } = await fixture.start({ tracks: { [kind]: false } })
    await fixture.event('part.opened')
    publisher.send(between(1.5, END))
    const recording = await fixture.recorder.stop(id)
    const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
    assert.deepEqual(
      file.tracks.map((track) => track.kind),
      [kind === 'audio' ? 'video' : 'audio'],
    )
    assert.equal(recording.ledger.tracks.length, 1)
    await fixture.assertProved(recording)
  }
})

test('maxSeconds ends it by itself, with all tracks up to there', async () => {
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  await fixture.start({ maxSeconds: 2 })
  await publisher.sendSlowly(source.units)
  const recording = await fixture.ready()
  const file = await judgedFile(fixture.path(recording.parts[0]), 'as-is')
  const counts = file.tracks.map(({ packets }) => packets.length)
  assert.deepEqual(counts, [50, between(0, 2).filter(({ format }) => format.kind === 'audio').length])
  await fixture.assertProved(recording)
})

test('a publisher that comes and goes without media leaves a waiting recording waiting', async () => {
  await using fixture = await RecorderFixture.open()
  const { id } = await fixture.start({ waitForStream: true })
  fixture.publish('live/cam1').end('unpublished')
  assert.equal((await fixture.recorder.get(id)).state, 'waiting')
  const publisher = fixture.publish('live/cam1')
  publisher.send(between(0, 2))
  publisher.end('unpublished')
  assert.equal((await fixture.ready()).id, id)
})

test('a codec that the format can’t hold is refused at once, and leaves nothing behind', async () => {
  const flac = await makeSource(folder, { video: 'h264', audio: 'flac', seconds: 1 })
  await using fixture = await RecorderFixture.open()
  const publisher = fixture.publish('live/cam1')
  publisher.send(flac.units)
  await assert.rejects(fixture.start({ format: 'ts', audio: { codec: 'copy' } }), {
    code: 'recorder/codec-not-carried',
  })
  assert.deepEqual(fixture.recorder.active(), [])
  assert.deepEqual((await fixture.recorder.list({})).recordings, [])
  const { id } = await fixture.start({ format: 'ts', tracks: { audio: false } })
  assert.equal((await fixture.recorder.stop(id)).state, 'ready')
})

test('closing ends many recordings, and every file is final', async () => {
  const fixture = await RecorderFixture.open()
  const publishers = Array.from({ length: 20 }, (_, index) => fixture.publish(`live/cam${index}`))
  for (const [index, publisher] of publishers.entries()) {
    await fixture.start({ stream: `live/cam${index}`, format: (['mp4', 'flv', 'ts'] as const)[index % 3] ?? 'mp4' })
    publisher.send(between(0, 2.5))
  }
  await fixture.recorder[Symbol.asyncDispose]()
  const { recordings } = await fixture.catalog.list({})
  assert.equal(recordings.length, 20)
  for (const recording of recordings) {
    assert.equal(recording.state, 'ready')
    await fixture.assertProved(recording)
  }
  await assert.rejects(fixture.start(), { code: 'recorder/closed' })
  await fixture[Symbol.asyncDispose]()
})
