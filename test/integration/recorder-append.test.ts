import assert from 'node:assert/strict'
import { copyFile, readFile, utimes } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { ContainerName } from '#containers/container.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import { DISK } from '#storage/part-files.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { CONTAINERS, H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { walkFlv } from '#test/support/flv-walker.ts'
import { program } from '#test/support/programs.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Where what is appended comes to lie in time, as ffprobe sees it. */

const FRAME_MS = 40
/** An access unit of AAC at 44.1 kHz. */
const SOUND_MS = 23.22
/** What a container's clock may be off: FLV and Matroska count milliseconds. */
const ROUNDING_MS: Readonly<Record<ContainerName, number>> = { mp4: 0.1, ts: 0.1, flv: 1, mkv: 1, webm: 1 }

let folder: TempFolder
/** With B-pictures, and without. */
let reordered: ElementarySource
let plain: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  reordered = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '160x90' })
  plain = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '160x90', encoding: ['-bf', '0'] })
})
after(() => folder[Symbol.asyncDispose]())

interface TrackTimes {
  readonly dtsMs: readonly number[]
  readonly ptsMs: readonly number[]
}

async function timesOf(path: string, kind: 'v' | 'a'): Promise<TrackTimes> {
  const shown = ['-select_streams', kind, '-show_entries', 'packet=dts_time,pts_time', '-of', 'csv=p=0', path]
  const { stdout, stderr } = await program('ffprobe', ['-v', 'error', ...shown])
  assert.equal(stderr, '')
  const rows = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(',').map((time) => Number(time) * 1000))
  const known = (column: number) => rows.map((row) => row[column] ?? Number.NaN).filter((time) => !Number.isNaN(time))
  return { ptsMs: known(0), dtsMs: known(1) }
}

const steps = (times: readonly number[]) => times.slice(1).map((time, index) => time - (times[index] ?? 0))

async function record(
  fixture: RecorderFixture,
  request: Partial<RecordingRequest>,
  units: readonly SourceUnit[],
): Promise<RecordingDocument> {
  const { id } = await fixture.start({ waitForStream: true, ifExists: 'append', ...request })
  const publisher = fixture.publish('live/cam1')
  publisher.send(units)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  return recording
}

/** Plays without a complaint, every track's times grow in decoding order. */
async function assertDecodes(path: string): Promise<void> {
  await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
  for (const kind of ['v', 'a'] as const) {
    for (const step of steps((await timesOf(path, kind)).dtsMs)) assert.ok(step > 0, `${kind} steps ${step} ms`)
  }
}

/** Publishes once more; gives the recording and the file's times. */
async function appended(
  fixture: RecorderFixture,
  request: Partial<RecordingRequest>,
  units: readonly SourceUnit[],
): Promise<{ recording: RecordingDocument; path: string; video: TrackTimes; audio: TrackTimes }> {
  const recording = await record(fixture, request, units)
  const path = fixture.path(recording.parts[0])
  await assertDecodes(path)
  return { recording, path, video: await timesOf(path, 'v'), audio: await timesOf(path, 'a') }
}

const sorted = (times: readonly number[]) => times.toSorted((a, b) => a - b)
const ofKind = (units: readonly SourceUnit[], kind: 'video' | 'audio') =>
  units.filter(({ format }) => format.kind === kind)

for (const format of H264_CONTAINERS) {
  const rounding = ROUNDING_MS[format]

  for (const name of ['B-pictures', 'no B-pictures'] as const) {
    test(`${format}: what is appended follows without a gap, ${name}`, async (t) => {
      await using fixture = await RecorderFixture.open()
      // Sound that does not outlast the pictures: nothing has to wait for anything.
      const { units } = name === 'B-pictures' ? reordered : plain
      const pictures = ofKind(units, 'video')
      const endMs = Math.max(...pictures.map(({ dts, format: { timescale } }) => (dts * 1000) / timescale)) + FRAME_MS
      const even = units.filter(({ dts, format: { kind, timescale } }) => {
        return kind === 'video' || (dts * 1000) / timescale < endMs - SOUND_MS - FRAME_MS
      })
      await record(fixture, { format }, even)
      await record(fixture, { format }, even)
      const { video, audio } = await appended(fixture, { format }, even)
      assert.equal(video.ptsMs.length, 3 * pictures.length)
      const apart = [...steps(video.dtsMs), ...steps(sorted(video.ptsMs))]
      t.diagnostic(`pictures ${Math.min(...apart).toFixed(2)} to ${Math.max(...apart).toFixed(2)} ms apart`)
      for (const step of apart) assert.ok(Math.abs(step - FRAME_MS) <= rounding, `${step} ms`)
      // Each time sound begins as far from the pictures as the first time.
      const once = audio.ptsMs.length / 3
      const distances = [0, 1, 2].map((n) => {
        return (
          (audio.ptsMs[n * once] ?? 0) - Math.min(...video.ptsMs.slice(n * pictures.length, (n + 1) * pictures.length))
        )
      })
      for (const distance of distances)
        assert.ok(Math.abs(distance - (distances[0] ?? 0)) <= 2 * rounding, `${distances}`)
    })
  }

  test(`${format}: sound that outlasts the pictures moves what is appended by as little as it takes`, async (t) => {
    for (const outlastsMs of [0, 700]) {
      await using fixture = await RecorderFixture.open()
      const shown = (unit: SourceUnit) => (unit.dts * 1000) / unit.format.timescale < 2_000 - outlastsMs
      const units = plain.units.filter((unit) => unit.format.kind === 'audio' || shown(unit))
      const pictures = ofKind(units, 'video').length
      const sounds = ofKind(units, 'audio').length
      await record(fixture, { format }, units)
      const { video, audio } = await appended(fixture, { format }, units)
      const soundStep = (audio.dtsMs[sounds] ?? 0) - (audio.dtsMs[sounds - 1] ?? 0)
      const pictureStep = (video.dtsMs[pictures] ?? 0) - (video.dtsMs[pictures - 1] ?? 0)
      t.diagnostic(
        `outlasting by ${outlastsMs} ms: pictures ${pictureStep.toFixed(2)}, sound ${soundStep.toFixed(2)} ms`,
      )
      assert.ok(Math.abs(soundStep - 1) <= 1.1 * rounding, `${soundStep}`)
      assert.ok(pictureStep > FRAME_MS && pictureStep < outlastsMs + 3 * FRAME_MS, `${pictureStep}`)
    }
  })

  test(`${format}: a gap that is kept is as long as the pause, in the file and in the ledger`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format }, plain.units)
    fixture.advance(60_000)
    const { recording, video, audio } = await appended(fixture, { format, appendGap: 'keep' }, plain.units)
    const pausedMs = Date.parse(recording.ledger.gaps[0]?.at ?? '') - Date.parse(first.endedAt ?? '')
    for (const { dtsMs } of [video, audio]) {
      const widest = Math.max(...steps(dtsMs))
      assert.ok(widest > 60_000 && Math.abs(widest - pausedMs) < 500, `${widest} of ${pausedMs}`)
    }
    const [gap] = recording.ledger.gaps
    assert.ok(gap !== undefined && gap.missingMs >= 60_000)
    assert.ok(Math.abs(gap.toMs - gap.fromMs - gap.missingMs) < 1, JSON.stringify(gap))
    assert.ok(Math.abs(recording.durationMs - 2 * first.durationMs - gap.missingMs) < 200)
    // And a third follows the second.
    const third = await appended(fixture, { format }, plain.units)
    assert.ok(steps(third.video.dtsMs).filter((step) => step > 2 * FRAME_MS).length === 1)
  })

  test(`${format}: a file that no recording knows keeps the gap since its date`, async () => {
    await using fixture = await RecorderFixture.open()
    const first = await record(fixture, { format }, plain.units)
    await fixture.catalog.remove(first.id)
    await fixture.manifests.remove(first)
    const dateS = Date.now() / 1000 - 3_600
    await utimes(fixture.path(first.parts[0]), dateS, dateS)
    const { recording, video } = await appended(fixture, { format, appendGap: 'keep', maxSeconds: 1 }, plain.units)
    const widest = Math.max(...steps(video.dtsMs))
    assert.ok(Math.abs(widest - 3_600_000) < 2_000, `${widest}`)
    assert.equal(recording.ledger.gaps[0]?.cause, 'publisher')
    // The limit counts what is appended.
    const counted = recording.ledger.tracks.find(({ kind }) => kind === 'video')?.written ?? 0
    assert.ok(Math.abs(counted - ofKind(plain.units, 'video').length - 25) <= 1, String(counted))
  })

  test(`${format}: a gap of days is kept as twelve hours`, async () => {
    await using fixture = await RecorderFixture.open()
    await record(fixture, { format }, plain.units)
    fixture.advance(3 * 86_400_000)
    const { recording, video } = await appended(fixture, { format, appendGap: 'keep' }, plain.units)
    assert.ok(Math.abs(Math.max(...steps(video.dtsMs)) - 12 * 3_600_000) < 200)
    const [gap] = recording.ledger.gaps
    assert.ok(gap !== undefined && gap.missingMs >= 3 * 86_400_000 && gap.toMs - gap.fromMs <= 12 * 3_600_000)
  })

  test(`${format}: cut off while it is appended to, it plays and is finished with all that was written`, async () => {
    await using fixture = await RecorderFixture.open()
    await record(fixture, { format }, plain.units)
    const { id } = await fixture.start({ waitForStream: true, ifExists: 'append', format })
    const publisher = fixture.publish('live/cam1')
    publisher.send(plain.units)
    const during = await fixture.until(id, ({ ledger }) =>
      ledger.tracks.some(({ kind, written }) => kind === 'video' && written > 60),
    )
    const copy = folder.at(`cut.${format}`)
    await copyFile(fixture.path(during.parts[0]), copy)
    await assertDecodes(copy)
    const before = ofKind(plain.units, 'video').length
    assert.ok((await timesOf(copy, 'v')).ptsMs.length > before)
    const container = CONTAINERS[format]
    await using file = await DISK.openForAppend(folder.path, `cut.${format}`)
    assert.ok(file !== undefined)
    const summary = await container.finish(file)
    await file.close()
    await assertDecodes(copy)
    assert.ok((summary.tracks[0]?.accessUnits ?? 0) > before)
    publisher.end('unpublished')
    await fixture.recorder.stop(id)
  })
}

test('flv: tags of what is appended go back in time by less than an access unit of sound', async () => {
  await using fixture = await RecorderFixture.open()
  for (const source of [reordered, plain, reordered]) await record(fixture, { format: 'flv' }, source.units)
  const { parts } = await fixture.recorder.get((await fixture.recorder.list({})).recordings[0]?.id ?? '')
  const times = walkFlv(await readFile(fixture.path(parts[0])))
    .filter(({ type }) => type === 8 || type === 9)
    .map(({ timestampMs }) => timestampMs)
  for (const step of steps(times)) assert.ok(step > -SOUND_MS, `${step} ms`)
})
