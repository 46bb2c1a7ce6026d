import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { ContainerName } from '#containers/container.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, type JudgedFile, type JudgedPacket, judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
/** GOPs of a second, two B-frames; and the same pictures in the order of their display. */
let source: ElementarySource
let wide: ElementarySource
let hevc: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 6 })
  wide = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3, size: '640x360' })
  hevc = await makeSource(folder, { video: 'h265', audio: 'aac', seconds: 3 })
})
after(() => folder[Symbol.asyncDispose]())

const framing = (format: ContainerName) => (format === 'ts' ? 'bare' : 'as-is')
const kinds = ['video', 'audio'] as const
const packets = (file: JudgedFile, kind: 'video' | 'audio') =>
  file.tracks.filter((track) => track.kind === kind).flatMap((track) => track.packets)

/** Sends everything to an uncut recording and to a cut one; gives both, proved. */
async function recordTwice(
  fixture: RecorderFixture,
  format: ContainerName,
  rotate: NonNullable<RecordingRequest['rotate']>,
  send: (ids: { cut: string }) => Promise<void>,
): Promise<{ uncut: RecordingDocument; cut: RecordingDocument }> {
  const wanted = { format, waitForStream: true }
  const uncut = await fixture.start({ ...wanted, name: 'uncut' })
  const cut = await fixture.start({ ...wanted, name: 'cut', rotate })
  await send({ cut: cut.id })
  const result = { uncut: await fixture.recorder.stop(uncut.id), cut: await fixture.recorder.stop(cut.id) }
  for (const recording of [result.uncut, result.cut]) await fixture.assertProved(recording)
  return result
}

/**
 * Promise 5: sample by sample the same, each part plays alone from near zero, sound and picture together. Parts that were
 * cut exactly play from their first random access point on.
 */
async function assertJoinsTo(
  fixture: RecorderFixture,
  cut: RecordingDocument,
  uncut: RecordingDocument,
  { isExact = false } = {},
): Promise<void> {
  const { format } = uncut
  const whole = await Promise.all(fixture.paths(uncut).map((path) => judgedFile(path, framing(format))))
  const parts = await Promise.all(fixture.paths(cut).map((path) => judgedFile(path, framing(format))))
  for (const kind of kinds) {
    const joined = parts.flatMap((part) => packets(part, kind).map(({ hash }) => hash))
    assert.deepEqual(joined.length, whole.flatMap((file) => packets(file, kind)).length, kind)
    assert.ok(
      whole.flatMap((file) => packets(file, kind)).every(({ hash }, index) => hash === joined[index]),
      kind,
    )
  }
  const times = new Map<string, JudgedPacket>()
  for (const file of whole)
    for (const kind of kinds) for (const p of packets(file, kind)) times.set(`${kind} ${p.hash}`, p)
  for (const [index, part] of parts.entries()) {
    const name = `${format} part ${index + 1}`
    if (!isExact) {
      assertPlaysAlone(part, name)
      await ffprobe(fixture.paths(cut)[index] ?? '')
    }
    // All tracks of a part are shifted alike against the uncut file.
    const shifts = kinds.flatMap((kind) =>
      packets(part, kind).map((p) => p.ptsMs - (times.get(`${kind} ${p.hash}`)?.ptsMs ?? Number.NaN)),
    )
    const [low, high] = [Math.min(...shifts), Math.max(...shifts)]
    assert.ok(high - low < 2.1, `${name}: shifts from ${low} to ${high} ms`)
    const start = Math.min(...kinds.map((kind) => packets(part, kind)[0]?.ptsMs ?? Infinity))
    if (format !== 'ts') assert.ok(Math.abs(start) <= 90, `${name} begins at ${start} ms`)
    // What is presented later than it is decoded may be the first there is of an exactly cut part.
    const startsWithinMs = isExact ? 200 : 90
    const [firstPicture] = packets(part, 'video')
    assert.ok(Math.abs((firstPicture?.ptsMs ?? 0) - start) <= startsWithinMs, `${name}: video begins with it`)
  }
}

for (const format of H264_CONTAINERS) {
  test(`${format} rotated by time: the parts are the uncut recording, and each plays alone`, async () => {
    await using fixture = await RecorderFixture.open()
    const { uncut, cut } = await recordTwice(fixture, format, { seconds: 2 }, async () => {
      const publisher = fixture.publish('live/cam1')
      await publisher.sendSlowly(source.units)
      publisher.end('unpublished')
    })
    assert.equal(cut.parts.length, 3)
    assert.deepEqual(
      cut.parts.map(({ startMs }) => Math.round(startMs)),
      [0, 2_000, 4_000],
    )
    await assertJoinsTo(fixture, cut, uncut)
  })

  test(`${format} rotated by size: no part is more than a GOP too large`, async () => {
    await using fixture = await RecorderFixture.open()
    const bytes = 200_000
    const { uncut, cut } = await recordTwice(fixture, format, { bytes }, async () => {
      const publisher = fixture.publish('live/cam1')
      await publisher.sendSlowly(source.units)
      publisher.end('unpublished')
    })
    assert.ok(cut.parts.length > 1, `${cut.parts.length} parts of ${cut.bytes} bytes`)
    const gopBytes = source.units.slice(0, 70).reduce((sum, { payload }) => sum + payload.length, 0)
    for (const part of cut.parts) assert.ok(part.bytes < bytes + gopBytes, `${part.bytes} of ${bytes} + ${gopBytes}`)
    await assertJoinsTo(fixture, cut, uncut)
  })

  test(`${format} split by hand, with audio that runs late`, async () => {
    await using fixture = await RecorderFixture.open()
    const { uncut, cut } = await recordTwice(fixture, format, {}, async (ids) => {
      const publisher = fixture.publish('live/cam1')
      const late = inOrder(source.units, (unit) => (unit.format.kind === 'audio' ? 0.4 : 0))
      const [third, rest] = [late.slice(0, late.length / 3), late.slice(late.length / 3)]
      await publisher.sendSlowly(third)
      await fixture.until(ids.cut, ({ state }) => state === 'recording')
      await fixture.recorder.split(ids.cut)
      await publisher.sendSlowly(rest)
      publisher.end('unpublished')
    })
    assert.equal(cut.parts.length, 2)
    await assertJoinsTo(fixture, cut, uncut)
  })

  test(`${format} rotated with audio ahead of video`, async () => {
    await using fixture = await RecorderFixture.open()
    const { uncut, cut } = await recordTwice(fixture, format, { seconds: 1 }, async () => {
      const publisher = fixture.publish('live/cam1')
      await publisher.sendSlowly(inOrder(source.units, (unit) => (unit.format.kind === 'audio' ? -0.4 : 0)))
      publisher.end('unpublished')
    })
    assert.ok(cut.parts.length >= 5, `${cut.parts.length} parts`)
    await assertJoinsTo(fixture, cut, uncut)
  })
}

/** GOPs of five seconds, so that no cut is at a random access point by chance. */
const longGops = () => ({
  video: 'h264' as const,
  audio: 'aac' as const,
  seconds: 6,
  encoding: ['-g', '125', '-keyint_min', '125', '-sc_threshold', '0'],
})

for (const format of H264_CONTAINERS) {
  test(`${format} cut exactly: at the access unit where it is due, and nothing is lost`, async () => {
    await using fixture = await RecorderFixture.open()
    const slow = await makeSource(folder, longGops())
    const { uncut, cut } = await recordTwice(fixture, format, { seconds: 1.4, cut: 'exact' }, async () => {
      const publisher = fixture.publish('live/cam1')
      await publisher.sendSlowly(slow.units)
      publisher.end('unpublished')
    })
    assert.deepEqual(
      cut.parts.map(({ startMs }) => Math.round(startMs / 40) * 40),
      [0, 1_400, 2_800, 4_200, 5_600],
    )
    await assertJoinsTo(fixture, cut, uncut, { isExact: true })
  })

  test(`${format} cut by the clock on the wall, by bytes and by seconds, whichever comes first`, async () => {
    await using fixture = await RecorderFixture.open({ settings: { timeZone: 'Australia/Lord_Howe' } })
    const rotate = { at: '*/30 * * * *', bytes: 400_000, seconds: 3_000 }
    const seconds = ({ dts, format: { timescale } }: SourceUnit) => dts / timescale
    const { uncut, cut } = await recordTwice(fixture, format, rotate, async (ids) => {
      const publisher = fixture.publish('live/cam1')
      await publisher.sendSlowly(source.units.filter((unit) => seconds(unit) < 2.5))
      await fixture.until(ids.cut, ({ state }) => state === 'recording')
      fixture.advance(30 * 60_000)
      await publisher.sendSlowly(source.units.filter((unit) => seconds(unit) >= 2.5))
      publisher.end('unpublished')
    })
    const starts = cut.parts.map(({ startMs }) => Math.round(startMs))
    assert.ok(starts.includes(3_000), `the first random access point after the moment begins a part: ${starts}`)
    await assertJoinsTo(fixture, cut, uncut)
  })
}

/** What FFmpeg's concat demuxer and stream hash make of files, by kind of track. */
async function streamHash(name: string, paths: readonly string[]): Promise<string[]> {
  const list = folder.at(`${name}.txt`)
  await writeFile(list, paths.map((path) => `file '${path}'\n`).join(''))
  const input = ['-f', 'concat', '-safe', '0', '-i', list]
  // Without it copying begins at a random access point.
  const copy = ['-map', '0', '-c', 'copy', '-copyinkf']
  const { stdout } = await program('ffmpeg', ['-v', 'error', ...input, ...copy, '-f', 'streamhash', '-'])
  return stdout.trim().split('\n')
}

for (const cutting of ['keyframe', 'exact'] as const) {
  test(`parts that were cut ${cutting} and put together by FFmpeg have the stream hash of the source`, async () => {
    await using fixture = await RecorderFixture.open()
    const slow = await makeSource(folder, longGops())
    const { uncut, cut } = await recordTwice(fixture, 'mp4', { seconds: 1.6, cut: cutting }, async () => {
      const publisher = fixture.publish('live/cam1')
      await publisher.sendSlowly(slow.units)
      publisher.end('unpublished')
    })
    assert.equal(cut.parts.length, cutting === 'exact' ? 4 : 2)
    const wanted = await streamHash(`${cutting}-source`, [slow.path])
    assert.equal(wanted.length, 2)
    assert.deepEqual(await streamHash(`${cutting}-uncut`, fixture.paths(uncut)), wanted)
    assert.deepEqual(await streamHash(`${cutting}-cut`, fixture.paths(cut)), wanted)
  })
}

test('rotated audio alone is cut where it is due, to the access unit', async () => {
  await using fixture = await RecorderFixture.open({ settings: { trackWaitMs: 100 } })
  const { id } = await fixture.start({ waitForStream: true, rotate: { seconds: 2 }, tracks: { video: false } })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(source.units)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.parts.length, 4)
  for (const [index, { startMs }] of recording.parts.entries()) {
    assert.ok(Math.abs(startMs - index * 2_000) < 25, `part ${index + 1} begins at ${startMs}`)
  }
  await fixture.assertProved(recording)
})

test('rotated MPEG-TS is one transport stream when its parts are joined', async () => {
  await using fixture = await RecorderFixture.open()
  const { cut } = await recordTwice(fixture, 'ts', { seconds: 2 }, async () => {
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(source.units)
    publisher.end('unpublished')
  })
  const joined = folder.at('joined.ts')
  await writeFile(joined, Buffer.concat(await Promise.all(fixture.paths(cut).map((path) => readFile(path)))))
  // Continuity errors are warnings of FFmpeg's.
  const { stderr } = await program('ffmpeg', ['-v', 'warning', '-i', joined, '-c', 'copy', '-f', 'null', '-'])
  assert.equal(stderr, '')
  const { packets: all } = await ffprobe(joined)
  assert.equal(all.length, source.units.length)
})

/** The units as a publisher sends them whose tracks are interleaved badly. */
function inOrder(units: readonly SourceUnit[], delaySeconds: (unit: SourceUnit) => number): SourceUnit[] {
  const at = (unit: SourceUnit) => unit.dts / unit.format.timescale + delaySeconds(unit)
  return units.toSorted((a, b) => at(a) - at(b))
}

/** The first seconds of one source, then another from where it left off. */
async function sendChanging(
  fixture: RecorderFixture,
  first: ElementarySource,
  then: ElementarySource,
): Promise<number> {
  const publisher = fixture.publish('live/cam1')
  const until = first.units.filter(({ dts, format }) => dts / format.timescale < 3)
  await publisher.sendSlowly(until)
  await publisher.sendSlowly(then.units, 3_000)
  publisher.end('unpublished')
  return until.length + then.units.length
}

const CHANGES: readonly {
  name: string
  next: () => ElementarySource
  parts: Readonly<Partial<Record<ContainerName, number>>>
}[] = [
  { name: 'another size', next: () => wide, parts: { mp4: 2, flv: 1, ts: 1, mkv: 2 } },
  { name: 'H.265 instead of H.264', next: () => hevc, parts: { mp4: 2, flv: 2, ts: 2, mkv: 2 } },
]
for (const { name, next, parts } of CHANGES) {
  for (const format of H264_CONTAINERS) {
    test(`${format}: ${name} in mid-stream`, async () => {
      await using fixture = await RecorderFixture.open()
      const { id } = await fixture.start({ waitForStream: true, format })
      const sent = await sendChanging(fixture, source, next())
      const recording = await fixture.recorder.stop(id)
      assert.equal(recording.parts.length, parts[format])
      assert.deepEqual(recording.ledger.gaps, [])
      assert.equal(
        recording.ledger.tracks.reduce((sum, { written }) => sum + written, 0),
        sent,
      )
      for (const path of fixture.paths(recording)) {
        // Debian's ffmpeg knows no H.265 in FLV.
        const isKnown = format !== 'flv' || next() !== hevc
        if (isKnown) await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
        const file = await judgedFile(path, framing(format))
        assertPlaysAlone(file, path)
        const [video, audio] = kinds.map((kind) => packets(file, kind)[0]?.ptsMs ?? Number.NaN)
        assert.ok(Math.abs((video ?? 0) - (audio ?? 0)) < 120, `${video} and ${audio}`)
      }
      await fixture.assertProved(recording)
    })
  }
}

for (const format of H264_CONTAINERS) {
  test(`${format}: sound of another sample rate in mid-GOP loses nothing`, async () => {
    await using fixture = await RecorderFixture.open()
    const other = await makeSource(folder, { audio: 'aac', seconds: 3, encoding: ['-ar', '48000'] })
    const renumbered = new Map(other.formats.map((each) => [each, { ...each, trackId: 2 }]))
    const sound = other.units.map((unit) => ({ ...unit, format: renumbered.get(unit.format) ?? unit.format }))
    const { id } = await fixture.start({ waitForStream: true, format })
    const publisher = fixture.publish('live/cam1')
    const changeAt = 2.5
    const seconds = ({ dts, format: { timescale } }: SourceUnit) => dts / timescale
    const before = source.units.filter((unit) => unit.format.kind === 'video' || seconds(unit) < changeAt)
    const after = sound.map((unit) => ({
      ...unit,
      dts: unit.dts + changeAt * 48_000,
      pts: unit.pts + changeAt * 48_000,
    }))
    const all = inOrder([...before, ...after], () => 0)
    await publisher.sendSlowly(all)
    publisher.end('unpublished')
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.parts.length, format === 'mp4' || format === 'mkv' ? 2 : 1)
    assert.deepEqual(recording.ledger.gaps, [])
    assert.equal(
      recording.ledger.tracks.reduce((sum, { written }) => sum + written, 0),
      all.length,
    )
    for (const path of fixture.paths(recording)) assertPlaysAlone(await judgedFile(path, framing(format)), path)
    await fixture.assertProved(recording)
  })
}
