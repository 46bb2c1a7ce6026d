import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AccessUnit } from '#media/access-unit.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { type RecordingTiming, Timeline } from './timeline.ts'

const video = testVideo()
const audio = testAudio()
const unit = unitMaker()

/** Where the access unit lies; the test fails when it lies before the start. */
function place(timeline: Timeline, accessUnit: AccessUnit): RecordingTiming {
  const timing = timeline.map(accessUnit)
  assert.ok(timing !== undefined)
  return timing
}

/** Feeds (track, publisher ms) pairs; gives the recording's ms and gaps. */
function run(timeline: Timeline, steps: readonly (readonly ['v' | 'a', number])[]) {
  return steps.map(([track, ms]) => {
    const format = track === 'v' ? video : audio
    const { dts, gap } = place(timeline, unit(format, ms))
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

test('a track that begins before the others lies before the recording until it comes to its start', () => {
  const timeline = new Timeline()
  timeline.begin(90_000, 90_000)
  assert.notEqual(timeline.map(unit(video, 1_000)), undefined)
  for (const ms of [940, 961, 982]) assert.equal(timeline.map(unit(audio, ms)), undefined)
  assert.equal(place(timeline, unit(audio, 1_003)).dts, 3 * 48)
  // Once it has begun, disorder is only smoothed.
  assert.equal(place(timeline, unit(audio, 990)).dts, 4 * 48)
})

test('where an appended file ends between two ticks, the first access unit still belongs to it', () => {
  const timeline = new Timeline(1_000.3333)
  timeline.begin(0, 90_000)
  assert.equal(place(timeline, unit(video, 0)).dts, 90_030)
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
  const times = [0, 40, 40, 30, 80].map((ms) => place(timeline, unit(video, ms)).dts)
  assert.deepEqual(times, [0, 3600, 3690, 3780, 7200])
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
        const timing = timeline.map(unit(format, ms))
        // Only a track's first access units may lie before the start.
        if (timing === undefined) {
          assert.equal(last.has(format.trackId), false)
          continue
        }
        const { dts, pts } = timing
        assert.ok(dts > (last.get(format.trackId) ?? -1))
        assert.ok(pts >= dts)
        last.set(format.trackId, dts)
      }
      // Every discontinuity is cut out or below the jump limit: the length is bounded by what was sent.
      assert.ok(timeline.endMs <= steps.length * 10_050 + 100)
    }),
  )
})

test('a place in the recording is told in the publisher’s time, before and after its clock jumps', () => {
  const timeline = new Timeline()
  assert.equal(timeline.publisherMs(0), undefined)
  timeline.begin(500 * 90, 90_000)
  run(timeline, [
    ['v', 500],
    ['v', 540],
    ['v', 100_000],
    ['v', 100_040],
  ])
  assert.deepEqual(
    [0, 40, 80, 120].map((positionMs) => timeline.publisherMs(positionMs)),
    [500, 540, 100_000, 100_040],
  )
})
