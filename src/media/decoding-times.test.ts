import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodingTimes } from './decoding-times.ts'

const run = (depth: number, pts: readonly number[], frameTicks = 10) => {
  const times = new DecodingTimes(depth, frameTicks)
  return pts.map((each) => times.next(each))
}

test('without reordering decoding and presentation are one', () => {
  assert.deepEqual(run(0, [0, 10, 20, 35]), [0, 10, 20, 35])
})

test('with reordering decoding runs ahead by the depth', () => {
  // I P B B P B B in decoding order.
  assert.deepEqual(run(1, [0, 30, 10, 20, 60, 40, 50]), [-10, 0, 10, 20, 30, 40, 50])
  assert.deepEqual(run(2, [0, 40, 20, 10, 30, 80, 60]), [-20, -10, 0, 10, 20, 30, 40])
})

test('a depth that was too small still gives times that grow', () => {
  assert.deepEqual(run(0, [0, 30, 10, 20, 60]), [0, 30, 31, 32, 60])
})

test('for any reordering within the depth, times grow and never pass the presentation', () => {
  const streams = fc
    .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 60 }), fc.infiniteStream(fc.nat(100)))
    .map(([depth, count, random]) => {
      // Any order in which no more than `depth` later pictures come before an earlier one.
      const waiting: number[] = []
      // A stream begins with the picture it shows first.
      const pts: number[] = [0]
      for (let next = 1; pts.length < count; ) {
        while (waiting.length <= depth) waiting.push(next++)
        const isDue = (waiting[0] ?? 0) <= pts.length - depth
        const pick = isDue ? 0 : (random.next().value ?? 0) % waiting.length
        pts.push((waiting.splice(pick, 1)[0] ?? 0) * 10)
      }
      return { depth, pts }
    })
  fc.assert(
    fc.property(streams, ({ depth, pts }) => {
      const dts = run(depth, pts)
      for (const [index, each] of dts.entries()) {
        assert.ok(each <= (pts[index] ?? 0), `${dts} for ${pts}`)
        if (index > 0) assert.ok(each > (dts[index - 1] ?? 0))
      }
    }),
  )
})
