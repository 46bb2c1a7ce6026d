import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SampleClock } from './sample-clock.ts'
import { TimestampUnwrapper } from './timestamp-unwrapper.ts'

test('unwrapping: wraps both ways, steps back, first value anywhere', () => {
  const cases = [
    { given: [0, 40, 20], expected: [0, 40, 20] },
    { given: [2 ** 32 - 10, 10, 2 ** 32 - 5, 30], expected: [2 ** 32 - 10, 2 ** 32 + 10, 2 ** 32 - 5, 2 ** 32 + 30] },
    { given: [5, 2 ** 32 - 5, 5], expected: [5, -5, 5] },
  ]
  for (const { given, expected } of cases) {
    const unwrapper = new TimestampUnwrapper()
    assert.deepEqual(
      given.map((ms) => unwrapper.unwrap(ms)),
      expected,
    )
  }
})

/** Runs announced times through a clock; returns the DTS. */
function run(rateHz: number, samples: number, announcedMs: readonly number[]): number[] {
  const clock = new SampleClock(rateHz)
  return announcedMs.map((ms) => clock.next(ms, samples))
}

const times = (count: number, make: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => make(index))

for (const rateHz of [44100, 48000, 22050]) {
  test(`sample clock: an hour of AAC at ${rateHz} Hz, milliseconds rounded: every step is exact`, () => {
    const count = Math.floor((3600 * rateHz) / 1024)
    const dts = run(
      rateHz,
      1024,
      times(count, (i) => Math.round(7 + (i * 1024 * 1000) / rateHz)),
    )
    const first = dts[0] ?? 0
    assert.ok(dts.every((value, i) => value - first === i * 1024))
  })
}

test('sample clock: jitter of ±8 ms leaves every step exact', () => {
  const dts = run(
    48000,
    1024,
    times(2000, (i) => Math.round((i * 1024) / 48 + 8 * Math.sin(i * 1.7))),
  )
  const first = dts[0] ?? 0
  assert.ok(dts.every((value, i) => value - first === i * 1024))
})

test('sample clock: a gap of one access unit and more is kept', () => {
  for (const missing of [1, 2, 50]) {
    const announced = [...times(10, (i) => i), ...times(10, (i) => 10 + missing + i)].map((n) =>
      Math.round((n * 1024) / 48),
    )
    const dts = run(48000, 1024, announced)
    const step = (dts[10] ?? 0) - (dts[9] ?? 0)
    assert.ok(Math.abs(step - (missing + 1) * 1024) <= 24, `step of ${step} samples`)
  }
})

test('sample clock: a publisher whose samples come 0.1 % slow or fast stays within 30 ms, always increasing', () => {
  for (const factor of [1.001, 0.999]) {
    const announced = times(20_000, (i) => Math.round(((i * 1024) / 48) * factor))
    const dts = run(48000, 1024, announced)
    dts.forEach((value, i) => {
      assert.ok(Math.abs(value / 48 - (announced[i] ?? 0)) < 30)
      assert.ok(i === 0 || value > (dts[i - 1] ?? 0))
    })
  }
})

test('sample clock: a new time of the publisher is passed on, forwards and backwards', () => {
  assert.deepEqual(
    run(48000, 960, [1000, 1020, 500_000, 500_020, 0, 20]),
    [48_000, 48_960, 24_000_000, 24_000_960, 0, 960],
  )
})

test('sample clock: unknown durations follow the announced time', () => {
  assert.deepEqual(run(8000, 0, [0, 20, 47]), [0, 160, 376])
})
