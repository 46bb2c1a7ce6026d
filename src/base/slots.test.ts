import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slots } from './slots.ts'

test('no more than the given number run at once, all run in order, and a failure frees its place', async () => {
  const slots = new Slots(2)
  let running = 0
  let most = 0
  const started: number[] = []
  const jobs = Array.from({ length: 7 }, (_, index) =>
    slots.run(async () => {
      started.push(index)
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      if (index === 1) throw new Error('a job that fails')
    }),
  )
  const outcomes = await Promise.allSettled(jobs)
  assert.equal(most, 2)
  assert.deepEqual(started, [0, 1, 2, 3, 4, 5, 6])
  assert.deepEqual(
    outcomes.map(({ status }) => status === 'rejected'),
    [false, true, false, false, false, false, false],
  )
})
