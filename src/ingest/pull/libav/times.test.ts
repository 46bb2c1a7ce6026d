import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from './pace.ts'
import { TickUnwrapper } from './tick-unwrapper.ts'

const WRAP = 2 ** 33

test('times of MPEG-TS go on over any number of wraps, disorder at the wrap included', () => {
  const unwrapper = new TickUnwrapper()
  const steps = 90_000 * 3600
  for (let time = WRAP - 3000, i = 0; i < 200; i++, time += steps) {
    assert.equal((time % WRAP) + unwrapper.offset(time % WRAP, 90_000), time)
    const earlier = time - 1500
    assert.equal((earlier % WRAP) + unwrapper.offset(earlier % WRAP, 90_000), earlier)
  }
})

test('a clock that begins anew, and one that does not wrap, stay as they are', () => {
  const unwrapper = new TickUnwrapper()
  assert.equal(unwrapper.offset(90_000 * 3600, 90_000), 0)
  assert.equal(unwrapper.offset(0, 90_000), 0)
  const other = new TickUnwrapper()
  assert.equal(other.offset(WRAP - 1, 48_000), 0)
  assert.equal(other.offset(0, 48_000), 0)
})

function paced() {
  let nowMs = 1_000_000
  const pace = new Pace(new AbortController().signal, () => nowMs)
  return {
    pace,
    later(ms: number) {
      nowMs += ms
    },
  }
}

test('three seconds may be ahead of the clock, then media waits', () => {
  const { pace, later } = paced()
  assert.ok(pace.aheadMs(50_000) <= 0)
  assert.ok(pace.aheadMs(53_000) <= 0)
  assert.equal(pace.aheadMs(54_000), 1000)
  later(1000)
  assert.ok(pace.aheadMs(54_000) <= 0)
})

test('after a jump of the clock, either way, the pace is what it was', () => {
  const { pace } = paced()
  pace.aheadMs(50_000)
  assert.equal(pace.aheadMs(54_000), 1000)
  assert.equal(pace.aheadMs(9_000_000), 1000)
  assert.equal(pace.aheadMs(9_001_000), 2000)
  assert.equal(pace.aheadMs(10), 2000)
  assert.equal(pace.aheadMs(510), 2500)
})

test('a source that is slow at first may catch up, one that is fast by a hair is never held', () => {
  const { pace, later } = paced()
  pace.aheadMs(0)
  later(60_000)
  for (let ms = 0; ms <= 60_000; ms += 1000) assert.ok(pace.aheadMs(ms) <= 0)
  const fast = paced()
  for (let i = 0; i < 24 * 3600; i++) {
    assert.ok(fast.pace.aheadMs(i * 1000.5) <= 0)
    fast.later(1000)
  }
})
