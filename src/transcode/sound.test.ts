import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { smoothSeam, stretched } from './sound.ts'
import { SoundQueue } from './sound-queue.ts'
import { UnitTally } from './unit-tally.ts'

const ramp = (samples: number, from = 0) => Float32Array.from({ length: samples }, (_, i) => from + i)

test('stretched sound keeps its ends and its shape', () => {
  const [longer] = stretched([ramp(160)], 1)
  assert.equal(longer?.length, 161)
  assert.equal(longer[0], 0)
  assert.equal(longer[160], 159)
  for (let i = 1; i < 161; i++) assert.ok((longer[i] ?? 0) > (longer[i - 1] ?? 0))
  const [shorter] = stretched([ramp(160)], -3)
  assert.equal(shorter?.length, 157)
  assert.equal(shorter[156], 159)
})

test('a seam goes over in two milliseconds', () => {
  const sound = [new Float32Array(100).fill(1), new Float32Array(100).fill(-1)]
  smoothSeam(sound, [0, 1], 8_000)
  for (const [channel, end] of [1, -1].entries()) {
    const values = sound[channel] ?? new Float32Array(0)
    for (let i = 1; i < 16; i++) assert.ok(Math.abs((values[i] ?? 0) - (values[i - 1] ?? 0)) < 0.13)
    assert.equal(values[16], end)
  }
})

test('what is put into the queue comes out, whatever the pieces', () => {
  const pieces = fc.array(fc.record({ put: fc.nat({ max: 20_000 }), take: fc.nat({ max: 20_000 }) }), { maxLength: 20 })
  fc.assert(
    fc.property(pieces, (steps) => {
      const queue = new SoundQueue(2)
      let put = 0
      let taken = 0
      for (const step of steps) {
        queue.put([ramp(step.put, put), ramp(step.put, -put)])
        put += step.put
        const take = Math.min(step.take, queue.length)
        assert.deepEqual(Array.from(queue.peek(0, take)), Array.from(ramp(take, taken)))
        queue.skip(take)
        taken += take
        assert.equal(queue.length, put - taken)
        if (step.put > 0) assert.equal(queue.last[0], put - 1)
      }
    }),
    { numRuns: 30 },
  )
})

test('every access unit is counted with the frame it ends in', () => {
  const tally = new UnitTally()
  for (let end = 160; end <= 1_600; end += 160) tally.add(end)
  assert.equal(tally.takeUpTo(1_024), 6)
  assert.equal(tally.takeUpTo(1_024), 0)
  assert.equal(tally.takeUpTo(1_439), 3, 'a tick of rounding')
  assert.equal(tally.takeAll(), 1)
  assert.equal(tally.waiting, 0)
})
