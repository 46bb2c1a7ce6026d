import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessUnit } from '#media/access-unit.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { partSample } from '#test/support/recording-sample.ts'
import { PartTracks } from './part-tracks.ts'

const video = testVideo()
const audio = testAudio()
const make = unitMaker()

/** The access unit came at `atMs` of the publisher's clock and lies at `recordingMs`. */
function placed(tracks: PartTracks, format: typeof video | typeof audio, atMs: number, recordingMs: number) {
  const accessUnit: AccessUnit = make(format, atMs)
  const ticks = Math.round((recordingMs * format.timescale) / 1000)
  const timing = tracks.place({ accessUnit, dts: ticks, pts: ticks, isLeading: true, startsGop: false })
  return { accessUnit, dtsMs: (timing.dts * 1000) / format.timescale }
}

test('times count from the part’s zero', () => {
  const tracks = new PartTracks({ ticks: 90_000, timescale: 90_000 }, undefined)
  assert.equal(tracks.zeroMs, 1_000)
  assert.equal(placed(tracks, video, 0, 1_000).dtsMs, 0)
  assert.equal(placed(tracks, audio, 0, 1_500).dtsMs, 500)
  assert.equal(tracks.endMs, 500)
})

test('what a stalled track brings from before the cut comes first, a millisecond apart', () => {
  const tracks = new PartTracks({ ticks: 1_000, timescale: 1_000 }, undefined)
  const times = [940, 960, 980, 1_500].map((ms) => placed(tracks, audio, ms, ms).dtsMs)
  assert.deepEqual(times, [0, 1, 2, 500])
})

test('losses lie where the access units would have', () => {
  const tracks = new PartTracks({ ticks: 0, timescale: 1_000 }, undefined)
  const sound = [70_000, 70_021].map((ms) => placed(tracks, audio, ms, ms - 60_000).accessUnit)
  const picture = placed(tracks, video, 70_040, 10_040).accessUnit
  const losses = tracks.lossesOf([{ accessUnits: sound }, { accessUnits: [picture] }])
  assert.deepEqual(
    losses.map(({ format, accessUnits, fromMs, toMs }) => [format.kind, accessUnits, fromMs, Math.round(toMs)]),
    [
      ['audio', 2, 10_000, 10_021],
      ['video', 1, 10_040, 10_040],
    ],
  )
})

test('of an appended file, what it held counts with what comes, and tracks that rest stay', () => {
  const tracks = new PartTracks({ ticks: 0, timescale: 1_000 }, partSample())
  const { accessUnit } = placed(tracks, video, 0, 3_000)
  tracks.written(accessUnit)
  assert.deepEqual(
    tracks.documents().map((track) => `${track.trackId} ${track.accessUnits} ${track.payloadBytes}`),
    ['1 51 4100', '2 94 300'],
  )
})

test('a file that vanished held what it gives back, and holds nothing more', () => {
  const tracks = new PartTracks({ ticks: 0, timescale: 1_000 }, partSample())
  tracks.written(placed(tracks, video, 0, 3_000).accessUnit)
  assert.deepEqual(
    tracks.vanish().map(({ accessUnits }) => accessUnits),
    [51, 94],
  )
  assert.deepEqual(
    tracks.documents().map(({ trackId, accessUnits }) => [trackId, accessUnits]),
    [[1, 0]],
  )
})
