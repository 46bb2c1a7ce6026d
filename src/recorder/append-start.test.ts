import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrackEnd } from '#containers/container.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { appendStartMs } from './append-start.ts'

const video = testVideo()
const audio = testAudio()
const unit = unitMaker()

const end = (lastDtsMs: number, endDtsMs: number, endPtsMs = endDtsMs): TrackEnd => ({ lastDtsMs, endDtsMs, endPtsMs })
const V = video.trackId
const A = audio.trackId

/** Times in milliseconds: `v` and `a` are the first access units, `delay` what the picture is shown later. */
const CASES: readonly {
  readonly name: string
  readonly v?: number
  readonly delay?: number
  readonly a?: number
  readonly ends: readonly (readonly [number, TrackEnd])[]
  readonly startMs: number
  readonly expected: number
}[] = [
  {
    name: 'the picture goes on where it ended, and the sound with it',
    ...{ v: 0, a: 0, startMs: 3_024, expected: 3_002 },
    ends: [
      [V, end(2_960, 3_000)],
      [A, end(3_001, 3_024)],
    ],
  },
  {
    name: 'the sound begins later than the picture, so that nothing has to wait',
    ...{ v: 0, a: 23, startMs: 3_024, expected: 3_000 },
    ends: [
      [V, end(2_960, 3_000)],
      [A, end(3_001, 3_024)],
    ],
  },
  {
    name: 'sound comes before the first picture, which goes on where it ended',
    ...{ v: 50, a: 0, startMs: 3_000, expected: 2_950 },
    ends: [
      [V, end(2_960, 3_000)],
      [A, end(2_930, 2_953)],
    ],
  },
  {
    name: 'sound that outlasted the picture by far moves both',
    ...{ v: 0, a: 0, startMs: 5_000, expected: 4_978 },
    ends: [
      [V, end(2_960, 3_000)],
      [A, end(4_977, 5_000)],
    ],
  },
  {
    name: 'pictures that were reordered are all shown before the first of a stream that does not reorder',
    ...{ v: 0, a: 0, startMs: 3_000, expected: 3_080 },
    ends: [
      [V, end(2_960, 3_000, 3_080)],
      [A, end(2_940, 2_963)],
    ],
  },
  {
    name: 'pictures that are reordered alike follow each other in both orders',
    ...{ v: 0, delay: 80, a: 80, startMs: 3_000, expected: 3_000 },
    ends: [
      [V, end(2_960, 3_000, 3_080)],
      [A, end(3_060, 3_083)],
    ],
  },
  {
    name: 'a track that has not come yet may come with the first of the others',
    ...{ v: 0, startMs: 3_500, expected: 3_478 },
    ends: [
      [V, end(2_960, 3_000)],
      [A, end(3_477, 3_500)],
    ],
  },
  {
    name: 'a file without pictures is gone on with behind everything',
    ...{ v: 0, a: 0, startMs: 3_024, expected: 3_024 },
    ends: [[A, end(3_001, 3_024)]],
  },
]

for (const { name, v, delay = 0, a, ends, startMs, expected } of CASES) {
  test(name, () => {
    const gathered = [
      ...(v === undefined ? [] : [unit(video, v, { key: true, compositionMs: delay })]),
      ...(a === undefined ? [] : [unit(audio, a)]),
    ]
    const start = appendStartMs(gathered, V, { startMs, ends: new Map(ends) })
    assert.ok(Math.abs(start - expected) < 0.03, `${start}`)
    for (const each of gathered) each.release()
  })
}
