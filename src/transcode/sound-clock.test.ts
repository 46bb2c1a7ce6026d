import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SoundClock } from './sound-clock.ts'

const RATE_HZ = 8_000
const BLOCK = 160

/** Puts blocks at these positions; gives where each came to lie and how many samples there are up to each. */
function run(positions: readonly (number | undefined)[], block = BLOCK) {
  const clock = new SoundClock(RATE_HZ)
  let end = 0
  return positions.map((position) => {
    const { restartAt, silence, drop, stretch } = clock.place(position, block)
    if (restartAt !== undefined) end = restartAt
    const at = end + silence
    end = at + Math.max(0, block - drop) + stretch
    assert.ok(clock.next !== undefined && Math.abs(clock.next - end) < 1, 'the clock knows where it is')
    return { at, end, restartAt, silence, drop, stretch }
  })
}

const NOTHING = { silence: 0, drop: 0, stretch: 0 }

test('sound begins where its timestamp says and goes on without a seam', () => {
  const [first, second] = run([4_000, 4_160])
  assert.deepEqual(first, { at: 4_000, end: 4_160, restartAt: 4_000, ...NOTHING })
  assert.deepEqual(second, { at: 4_160, end: 4_320, restartAt: undefined, ...NOTHING })
})

test('jitter is left alone', () => {
  const jittered = Array.from({ length: 100 }, (_, i) => i * BLOCK + (i % 3) * 8 - 8)
  for (const { silence, drop, stretch } of run(jittered).slice(1)) {
    assert.deepEqual({ silence, drop, stretch }, NOTHING)
  }
})

test('a packet that is missing is silence', () => {
  const [, second] = run([0, 2 * BLOCK])
  assert.equal(second?.silence, BLOCK)
  assert.equal(second?.at, 2 * BLOCK)
})

test('sound that is late is dropped as far as it is', () => {
  const [, second, third] = run([0, BLOCK - 140, 2 * BLOCK - 140])
  assert.equal(second?.drop, 140)
  assert.equal(third?.at, BLOCK + 20)
})

test('a long pause is a hole', () => {
  const hour = 3_600 * RATE_HZ
  const [, second] = run([0, hour])
  assert.equal(second?.restartAt, hour)
})

test('blocks without a time follow each other', () => {
  assert.deepEqual(
    run([800, undefined, undefined]).map(({ at }) => at),
    [800, 960, 1_120],
  )
})

test('after an end sound goes on behind it', () => {
  const clock = new SoundClock(RATE_HZ)
  clock.place(0, BLOCK)
  clock.finished(1_024)
  assert.equal(clock.place(2_000, BLOCK).silence, 976)
})

test('a clock that drifts by up to 2,000 ppm is never off by more than 5 ms', () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: 80, max: 1_600 }), (ppm, block) => {
      const positions = Array.from({ length: 2_000 }, (_, i) => i * block * (1 + ppm / 1e6))
      for (const [index, { at, silence, drop }] of run(positions, block).entries()) {
        assert.equal(silence + drop, 0, 'nothing audible is done')
        const offMs = (Math.abs(at - (positions[index] ?? 0)) * 1000) / RATE_HZ
        assert.ok(offMs < 5, `block ${index} is ${offMs} ms off`)
      }
    }),
    { numRuns: 50 },
  )
})

test('whatever the timestamps say, sound never goes back and never lies before them by much', () => {
  const steps = fc.array(fc.integer({ min: -400, max: 400_000 }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (gaps) => {
      let position = 0
      const positions = gaps.map((gap) => {
        position = Math.max(0, position + BLOCK + gap)
        return position
      })
      let before = 0
      for (const [index, { at, end, drop }] of run(positions).entries()) {
        assert.ok(at >= before && end >= at)
        if (drop < BLOCK) assert.ok(at + 20 * 8 >= (positions[index] ?? 0))
        before = at
      }
    }),
  )
})
