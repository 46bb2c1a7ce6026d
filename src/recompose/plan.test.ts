import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GapDocument, RecordingDocument } from '#storage/recording-document.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { mostAtOnce, planComposition } from './plan.ts'

const AT = '2026-01-02T03:04:05.000Z'

function track(afterMs: number, durationMs: number, overrides: Partial<RecordingDocument> = {}): RecordingDocument {
  const startedAt = new Date(Date.parse(AT) + afterMs).toISOString()
  const parts = [partSample({ startMs: 0, durationMs, state: 'ready' })]
  const ledger = { tracks: [], gaps: [] }
  return recordingSample({ state: 'ready', stream: 'room/ann', startedAt, durationMs, parts, ledger, ...overrides })
}

function absence(atMs: number, missingMs: number, overrides: Partial<GapDocument> = {}): GapDocument {
  return {
    track: 0,
    fromMs: atMs,
    toMs: atMs,
    missingMs,
    accessUnits: 0,
    packets: 0,
    cause: 'publisher',
    at: AT,
    ...overrides,
  }
}

const withGaps = (...gaps: GapDocument[]) => ({ ledger: { tracks: [], gaps } })

test('from the first to come to the last to leave, each where he was recorded', () => {
  const plan = planComposition(
    [
      track(2_000, 1_000, { id: 'late', stream: 'room/bob' }),
      track(0, 5_000, { id: 'early', metadata: { participant: 'Ann', kind: 'screen' } }),
      track(0, 0, { id: 'never', startedAt: null, parts: [], state: 'failed' }),
    ],
    undefined,
  )
  assert.deepEqual([new Date(plan.startedAtMs).toISOString(), plan.durationMs], [AT, 5_000])
  assert.deepEqual(
    plan.tracks.map(({ recordingId, facts, spans }) => [recordingId, facts, spans]),
    [
      ['early', { name: 'Ann', kind: 'screen' }, [{ startMs: 0, fromMs: 0, toMs: 5_000 }]],
      ['late', { name: 'bob', kind: 'camera' }, [{ startMs: 0, fromMs: 2_000, toMs: 3_000 }]],
    ],
  )
})

test('as long as it was composed live, and as much later as live', () => {
  const composed = track(1_000, 3_000, { id: 'composed' })
  const plan = planComposition([track(0, 9_000), track(2_000, 1_000)], composed)
  assert.deepEqual([plan.startedAtMs, plan.durationMs], [Date.parse(AT) + 1_000, 3_000])
  assert.deepEqual(
    plan.tracks.map(({ presences }) => presences),
    [[{ fromMs: -900, toMs: 8_100 }], [{ fromMs: 1_100, toMs: 2_100 }]],
  )
})

test('who was away is away again, and what was cut out is put back in', () => {
  const gaps = withGaps(
    absence(2_000, 5_000, { at: new Date(Date.parse(AT) + 7_600).toISOString() }),
    absence(1_000, 400),
    // Time of one track, time that was kept, and a clock that was set.
    absence(500, 300, { track: 1 }),
    absence(600, 300, { toMs: 900 }),
    absence(3_000, 0),
  )
  const [planned] = planComposition([track(0, 4_000, gaps)], undefined).tracks
  assert.deepEqual(planned?.spans, [
    { startMs: 0, fromMs: 0, toMs: 1_000 },
    { startMs: 1_000, fromMs: 1_400, toMs: 2_400 },
    // Its media came 200 ms after its connection.
    { startMs: 2_000, fromMs: 7_600, toMs: 9_600 },
  ])
  // Nobody would see the tile go and come for less than a second.
  assert.deepEqual(planned?.presences, [
    { fromMs: 0, toMs: 2_400 },
    { fromMs: 7_600, toMs: 9_600 },
  ])
})

test('a track whose clock runs slower than ours lasts as long as it took', () => {
  const lengthMs = 7_200_000
  const gaps = withGaps(absence(lengthMs / 2, 5_000))
  const [slow, fast, good] = planComposition(
    [
      track(0, lengthMs, { clockDriftPpm: 100, ...gaps }),
      track(1, lengthMs, { clockDriftPpm: -100 }),
      track(2, lengthMs),
    ],
    undefined,
  ).tracks
  assert.deepEqual([slow?.rate, fast?.rate, good?.rate], [1.0001, 0.9999, 1])
  const half = lengthMs / 2
  assert.deepEqual(slow?.spans, [
    { startMs: 0, fromMs: 0, toMs: half + 360 },
    { startMs: half, fromMs: half + 5_360, toMs: lengthMs + 5_720 },
  ])
  assert.deepEqual(fast?.spans, [{ startMs: 0, fromMs: 1, toMs: 1 + lengthMs - 720 }])
  assert.deepEqual(good?.spans, [{ startMs: 0, fromMs: 2, toMs: 2 + lengthMs }])
})

test('whoever comes again takes no more room than once', () => {
  const again = Array.from({ length: 100 }, (_, index) => track(index * 1_000, 1_000))
  assert.equal(mostAtOnce(planComposition(again, undefined)), 1)
  assert.equal(mostAtOnce(planComposition([...again, track(500, 1_000), track(99_999, 5_000)], undefined)), 2)
  assert.equal(mostAtOnce({ tracks: [] }), 0)
})

test('what goes on and what is damaged can’t be placed', () => {
  const damaged = [partSample({ state: 'damaged' })]
  for (const [recordings, composed, code] of [
    [[track(0, 1, { state: 'recording' })], undefined, 'recompose/still-recording'],
    [[track(0, 1)], track(0, 1, { state: 'finishing' }), 'recompose/still-recording'],
    [[track(0, 1, { parts: damaged })], undefined, 'recompose/track-damaged'],
  ] as const) {
    assert.throws(() => planComposition(recordings, composed), { code })
  }
})
