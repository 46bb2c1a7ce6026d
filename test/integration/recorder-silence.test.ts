import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RecordingRequest } from '#recorder/request.ts'
import { type Beep, beepSource, beepsIn, beepsOf, countedSoundOf } from '#test/support/beeps.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const SECONDS = 8
const HERTZ = 400
/** Encoders smear the edge of a tone over a frame, and encoding it again does so once more. */
const TOLERANCE_MS = 25

let folder: TempFolder
/** 200 ms of a tone at the beginning of each second, in packets of 20 ms. */
let source: ElementarySource
before(async () => {
  folder = await TempFolder.make()
  const sound = beepSource(HERTZ, SECONDS, 48_000)
  source = describedSource(
    await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: SECONDS, size: '160x90', sound }),
  )
})
after(() => folder[Symbol.asyncDispose]())

const ms = ({ dts, format }: SourceUnit) => (dts * 1000) / format.timescale
const isSound = ({ format }: SourceUnit) => format.kind === 'audio'
/** Milliseconds after the beginning of a second. */
const inSecond = (unit: SourceUnit) => ms(unit) % 1000

const DROPPED: readonly { name: string; isGone: (unit: SourceUnit) => boolean; beepsAt: readonly number[] }[] = [
  {
    // A sender that finds nothing to say lets a packet out every 400 ms.
    name: 'DTX',
    isGone: (unit) =>
      isSound(unit) && inSecond(unit) > 300 && inSecond(unit) < 940 && Math.abs(inSecond(unit) - 700) > 12,
    beepsAt: [0, 1, 2, 3, 4, 5, 6, 7],
  },
  {
    name: 'loss of single packets',
    isGone: (unit) => isSound(unit) && inSecond(unit) > 300 && Math.round(ms(unit)) % 5 === 2,
    beepsAt: [0, 1, 2, 3, 4, 5, 6, 7],
  },
  {
    name: 'a track that is muted for seconds',
    isGone: (unit) => isSound(unit) && ms(unit) > 1_500 && ms(unit) < 6_500,
    beepsAt: [0, 1, 7],
  },
]

const FILES: readonly Partial<RecordingRequest>[] = [
  { format: 'webm' },
  { format: 'mkv' },
  { format: 'mp4', audio: { codec: 'copy' } },
  { format: 'mp4' },
  { format: 'ts', tracks: { video: false } },
]

function assertBeepsAt(beeps: readonly Beep[], seconds: readonly number[], how: string): void {
  assert.equal(beeps.length, seconds.length, `${how}: ${JSON.stringify(beeps)}`)
  for (const [index, { fromMs, toMs }] of beeps.entries()) {
    const atMs = (seconds[index] ?? 0) * 1000
    const found = `${how}: ${fromMs} to ${toMs} ms, expected at ${atMs} ms`
    assert.ok(Math.abs(toMs - atMs - 200) < TOLERANCE_MS, found)
    assert.ok(fromMs > atMs - TOLERANCE_MS && fromMs < atMs + 100, found)
  }
}

for (const { name, isGone, beepsAt } of DROPPED) {
  for (const request of FILES) {
    const { format, audio } = request
    // 5 s without anything are more than one track alone can show.
    if (format === 'ts' && name.includes('muted')) continue
    test(`${name} becomes silence of the same length in ${format} ${audio?.codec ?? ''}`, async () => {
      await using fixture = await RecorderFixture.open()
      await fixture.transcoder.check()
      const { id } = await fixture.start({ waitForStream: true, ...request })
      const publisher = fixture.publish('live/cam1')
      const sent = source.units.filter((unit) => !isGone(unit))
      await publisher.sendSlowly(sent)
      const recording = await fixture.recorder.stop(id)
      await fixture.assertProved(recording)
      const heard = sent.filter(isSound).length
      const account = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
      assert.deepEqual([account?.received, account?.written, account?.lost], [heard, heard, 0])
      const track = recording.parts[0]?.tracks.find(({ kind }) => kind === 'audio')
      if (track?.codec === 'opus') assert.equal(track.accessUnits, heard + (track.filled ?? 0))
      const [path = ''] = fixture.paths(recording)
      assertBeepsAt(await beepsOf(path), beepsAt, 'by timestamps')
      assertBeepsAt(beepsIn(await countedSoundOf(path)), beepsAt, 'by counting samples')
    })
  }
}

test('a track that is muted for minutes keeps nothing waiting, and is silence where it was', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const { id } = await fixture.start({ waitForStream: true, format: 'webm' })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(source.units)
  const pictures = source.units.filter((unit) => !isSound(unit))
  let mostBytes = 0
  for (let second = SECONDS; second < 200; second += SECONDS) {
    await publisher.sendSlowly(pictures, second * 1000, 50)
    mostBytes = Math.max(mostBytes, fixture.recorder.counters.queuedBytes)
  }
  await publisher.sendSlowly(source.units, 200_000)
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  const perSecond = pictures.reduce((sum, { payload }) => sum + payload.length, 0) / SECONDS
  assert.ok(mostBytes < 60 * perSecond, `${mostBytes} bytes waited`)
  assert.deepEqual(recording.ledger.gaps, [])
  const [path = ''] = fixture.paths(recording)
  const beepsAt = [0, 1, 2, 3, 4, 5, 6, 7]
  const all = [...beepsAt, ...beepsAt.map((second) => second + 200)]
  assertBeepsAt(beepsIn(await countedSoundOf(path)), all, 'by counting samples')
  const { packets } = await ffprobe(path)
  let [video, audio] = [0, 0]
  for (const { stream_index, dts_time } of packets) {
    if (stream_index === 0) video = Number(dts_time)
    else audio = Number(dts_time)
    assert.ok(Math.abs(video - audio) < 3, `sound of ${audio} s lies beside the picture of ${video} s`)
  }
})

test('a camera and a microphone that come and go, sound first: one file, nothing lost, in sync', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  const from = (unit: SourceUnit) => ms(unit)
  const off = (unit: SourceUnit) =>
    !isSound(unit) && (from(unit) < 2_000 || (from(unit) >= 4_000 && from(unit) < 6_000))
  const sent = source.units.filter((unit) => !off(unit))
  await publisher.sendSlowly(sent.filter((unit) => from(unit) < 1_900))
  fixture.advance(1_500)
  await fixture.until(id, ({ state }) => state === 'recording')
  await publisher.sendSlowly(sent.filter((unit) => from(unit) >= 1_900))
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  assert.equal(recording.parts.length, 1)
  assert.equal(recording.format, 'mp4')
  const [path = ''] = fixture.paths(recording)
  assertBeepsAt(await beepsOf(path), [0, 1, 2, 3, 4, 5, 6, 7], 'by timestamps')
  const { streams, packets } = await ffprobe(path)
  const index = streams.findIndex(({ codec_name }) => codec_name === 'vp8')
  const pictures = packets.filter(({ stream_index }) => stream_index === index).map(({ pts_time }) => Number(pts_time))
  const expected = sent.filter((unit) => !isSound(unit)).map((unit) => from(unit) / 1000)
  assert.equal(pictures.length, expected.length)
  // A file begins with its first sound, a few milliseconds into the first packet of an encoder that needs a run-up.
  for (const [i, at] of pictures.entries()) assert.ok(Math.abs(at - (expected[i] ?? 0)) < 0.01, `${at} ${expected[i]}`)
})
