import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TrackTotals } from './track-totals.ts'

/** Times in milliseconds; `expected`: what the last is taken to last. */
const CASES: readonly { name: string; at: readonly number[]; durationMs?: number; expected: number }[] = [
  { name: 'the only one', at: [0], expected: 0 },
  { name: 'as long as the distance to the one before', at: [0, 40, 80], expected: 40 },
  { name: 'a picture after hours without any', at: [0, 40, 80, 7_200_000], expected: 1_000 },
  {
    name: 'a picture a second, after two that came together',
    at: [0, 1_000, 1_001, 2_000, 3_000, 4_000],
    expected: 1_000,
  },
  { name: 'sound, whose length is known', at: [0, 23, 7_200_000], durationMs: 23, expected: 23 },
]
for (const { name, at, durationMs = 0, expected } of CASES) {
  test(`what the last access unit lasts: ${name}`, () => {
    const totals = new TrackTotals()
    for (const dts of at) totals.add(100, dts, dts, durationMs)
    assert.equal(totals.endTicks, (at.at(-1) ?? 0) + expected)
    // Whoever counts on from what was noted comes to the same.
    let counting = new TrackTotals()
    for (const dts of at) {
      counting = new TrackTotals(counting.state)
      counting.add(100, dts, dts, durationMs)
    }
    assert.deepEqual(counting.state, totals.state)
  })
}
