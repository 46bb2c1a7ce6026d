import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { Timeline } from './timeline.ts'

const video = testVideo()
const audio = testAudio()
const unit = unitMaker()

/** Feeds (track, publisher ms) pairs; gives the recording's ms and gaps. */
function run(timeline: Timeline, steps: readonly (readonly ['v' | 'a', number])[]) {
  return steps.map(([track, ms]) => {
    const format = track === 'v' ? video : audio
    const { dts, gap } = timeline.map(unit(format, ms))
    return { track, ms: Math.round((dts * 1000) / format.timescale), gap }
  })
}

test('begins at zero whatever the publisher’s clock says', () => {
  const timeline = new Timeline()
  timeline.begin(90_000 * 1000, 90_000)
  const out = run(timeline, [
    ['v', 1_000_000],
    ['a', 1_000_010],
    ['v', 1_000_040],
  ])
  assert.deepEqual(
    out.map(({ ms }) => ms),
    [0, 10, 40],
  )
})

test('a jump of all tracks is cut out once, and audio keeps its place beside video', () => {
  const timeline = new Timeline()
  timeline.begin(0, 90_000)
  const out = run(timeline, [
    ['v', 0],
    ['a', 0],
    ['v', 40],
    ['a', 21],
    ['v', 3_600_000],
    ['a', 3_599_981],
    ['a', 3_600_002],
    ['v', 3_600_040],
  ])
  assert.deepEqual(
    out.map(({ ms }) => ms),
    [0, 0, 40, 21, 80, 61, 82, 120],
  )
  assert.deepEqual(
    out.filter(({ gap }) => gap !== undefined).map(({ gap }) => gap),
    [{ fromMs: 80, toMs: 80, missingMs: 0 }],
  )
})

test('a jump back is cut out too', () => {
  const timeline = new Timeline()
  timeline.begin(90_000 * 60, 90_000)
  const out = run(timeline, [
    ['v', 60_000],
    ['a', 60_000],
    ['v', 60_040],
    ['v', 0],
    ['a', 3],
    ['v', 40],
  ])
  assert.deepEqual(
    out.map(({ ms }) => ms),
    [0, 0, 40, 80, 83, 120],
  )
})

test('a straggler of the old clock after a jump stays where it was', () => {
  const timeline = new Timeline()
  timeline.begin(0, 90_000)
  const out = run(timeline, [
    ['v', 0],
    ['a', 0],
    ['v', 40],
    ['v', 500_000],
    ['a', 21],
    ['a', 42],
    ['a', 500_000],
  ])
  assert.deepEqual(
    out.map(({ ms }) => ms),
    [0, 0, 40, 80, 21, 42, 80],
  )
})

test('a pause of one track is no jump: the other shows that time went on', () => {
  const timeline = new Timeline()
  timeline.begin(0, 90_000)
  const steps: ['v' | 'a', number][] = [['v', 0]]
  for (let ms = 0; ms < 60_000; ms += 500) steps.push(['a', ms])
  steps.push(['v', 60_000])
  assert.equal(run(timeline, steps).at(-1)?.ms, 60_000)
})

test('silence of a few seconds keeps its length and is noted', () => {
  const timeline = new Timeline()
  timeline.begin(0, 90_000)
  const out = run(timeline, [
    ['v', 0],
    ['v', 40],
    ['v', 4_040],
  ])
  assert.equal(out[2]?.ms, 4_040)
  assert.deepEqual(out[2]?.gap, { fromMs: 80, toMs: 4_080, missingMs: 4_000 })
})

test('a reconnect goes on at the end, with the outage in the gap', () => {
  const timeline = new Timeline()
  timeline.begin(0, 90_000)
  run(timeline, [
    ['v', 0],
    ['a', 0],
    ['v', 40],
  ])
  timeline.restart(3_000)
  const out = run(timeline, [
    ['v', 7],
    ['a', 7],
    ['v', 47],
  ])
  assert.deepEqual(
    out.map(({ ms }) => ms),
    [80, 80, 120],
  )
  assert.deepEqual(out[0]?.gap, { fromMs: 80, toMs: 80, missingMs: 3_000 })
})

test('disorder within a track is smoothed, never reordered', () => {
  const timeline = new Timeline()
  timeline.begin(0, 90_000)
  const times = [0, 40, 40, 30, 80].map((ms) => timeline.map(unit(video, ms)).dts)
  assert.deepEqual(times, [0, 3600, 3601, 3602, 7200])
})

test('whatever a publisher sends, DTS strictly increases per track, starts near zero and PTS is never before DTS', () => {
  const step = fc.record({
    isVideo: fc.boolean(),
    ms: fc.oneof(fc.integer({ min: -5_000_000, max: 5_000_000 }), fc.integer({ min: 0, max: 2_000 })),
    restart: fc.integer({ min: 0, max: 20 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const timeline = new Timeline()
      const last = new Map<number, number>()
      for (const { isVideo, ms, restart } of steps) {
        if (restart === 0) timeline.restart(100)
        const format = isVideo ? video : audio
        const { dts, pts } = timeline.map(unit(format, ms))
        assert.ok(dts > (last.get(format.trackId) ?? -1))
        assert.ok(pts >= dts)
        last.set(format.trackId, dts)
      }
      // Every discontinuity is cut out or below the jump limit: the length is bounded by what was sent.
      assert.ok(timeline.endMs <= steps.length * 10_050 + 100)
    }),
  )
})
