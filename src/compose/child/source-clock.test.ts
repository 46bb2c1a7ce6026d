import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceClock } from './source-clock.ts'

/** Sends units every 20 ms that take `lagMs(at)` to come. Gives how long before it is due each one came. */
function run(clock: SourceClock, fromMs: number, toMs: number, lagMs: (atMs: number) => number, shiftMs = 0): number[] {
  const early: number[] = []
  for (let at = fromMs; at < toMs; at += 20) {
    const arrived = at + lagMs(at)
    clock.arrived(at + shiftMs, arrived, false)
    early.push(clock.dueMs(at + shiftMs) - arrived)
  }
  return early
}

test('what comes evenly is due a tenth of a second later, wherever the source’s clock begins', () => {
  const clock = new SourceClock(100)
  const early = run(clock, 0, 5_000, () => 5, 123_456_789)
  assert.ok(early.every((ms) => Math.abs(ms - 100) < 1))
})

test('jitter makes it wait longer, until nothing comes too late', () => {
  const clock = new SourceClock(100)
  run(clock, 0, 5_000, (at) => (at % 400 === 0 ? 300 : 0))
  const early = run(clock, 5_000, 10_000, (at) => (at % 400 === 0 ? 300 : 0))
  assert.ok(Math.min(...early) >= 50, String(Math.min(...early)))
  // When the network has calmed down it comes back, by little each second.
  run(clock, 10_000, 90_000, () => 0)
  assert.ok(clock.delayMs < 170, String(clock.delayMs))
})

test('a source that has paused goes on at once, and so does one whose clock was set', () => {
  const clock = new SourceClock(100)
  run(clock, 0, 5_000, () => 0)
  const paused = run(clock, 5_000, 12_000, () => 4_000)
  assert.ok(Math.abs((paused.at(-1) ?? 0) - 100) < 100, String(paused.at(-1)))
  const setBack = run(clock, 16_000, 17_000, () => 0, -10_000)
  assert.ok(Math.abs((setBack.at(-1) ?? 0) - 100) < 100, String(setBack.at(-1)))
  const setForward = run(clock, 17_000, 18_000, () => 0, 50_000)
  assert.ok(Math.abs((setForward.at(-1) ?? 0) - 100) < 100, String(setForward.at(-1)))
})

test('what was remembered does not count as jitter', () => {
  const clock = new SourceClock(100)
  for (let at = 0; at < 2_000; at += 20) clock.arrived(at, 2_000, true)
  assert.equal(clock.delayMs, 100)
  assert.ok(Math.abs(clock.dueMs(1_980) - 2_100) < 1)
})
