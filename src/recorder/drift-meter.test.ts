import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice } from '../../test/fuzz/mutate.ts'
import { DriftMeter } from './drift-meter.ts'

/** FUZZ_SEED repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

/** Pictures every 40 ms, each up to 80 ms late, and now and then all of a while by half a second. */
function watch(meter: DriftMeter, dice: Dice, span: { fromMs: number; toMs: number; ppm: number; offsetMs?: number }) {
  const { fromMs, toMs, ppm, offsetMs = 0 } = span
  for (let atMs = fromMs; atMs < toMs; atMs += 40) {
    const busyMs = Math.floor(atMs / 3_000) % 7 === 3 ? 500 : 0
    meter.arrived(1, atMs, offsetMs + atMs * (1 + ppm / 1e6) + dice.roll(80) + busyMs)
  }
}

for (const ppm of [0, 100, -100, 37]) {
  test(`a clock that is off by ${ppm} ppm is known so after minutes (FUZZ_SEED=${SEED})`, () => {
    const meter = new DriftMeter()
    const dice = new Dice(SEED)
    watch(meter, dice, { fromMs: 0, toMs: 240_000, ppm })
    assert.equal(meter.ppm, undefined)
    watch(meter, dice, { fromMs: 240_000, toMs: 1_200_000, ppm })
    const offMs = ((meter.ppm ?? Number.NaN) - ppm) * 1.2
    assert.ok(Math.abs(offMs) < 20, `${meter.ppm} ppm, off by ${offMs} ms at the end`)
  })
}

test(`what lies between two connections is no drift, and neither is another track (FUZZ_SEED=${SEED})`, () => {
  const meter = new DriftMeter()
  const dice = new Dice(SEED)
  watch(meter, dice, { fromMs: 0, toMs: 600_000, ppm: 50 })
  meter.interrupted()
  watch(meter, dice, { fromMs: 600_000, toMs: 1_200_000, ppm: 50, offsetMs: 4_000 })
  meter.arrived(2, 1_200_000, 1_500_000)
  assert.ok(Math.abs((meter.ppm ?? Number.NaN) - 50) < 20, `${meter.ppm}`)
})

test('what no clock does is none', () => {
  const meter = new DriftMeter()
  for (let atMs = 0; atMs < 1_000_000; atMs += 1_000) meter.arrived(1, atMs, atMs * 1.01)
  assert.equal(meter.ppm, undefined)
})
