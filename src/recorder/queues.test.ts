import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FilesInUse } from './files-in-use.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { Pauses } from './pauses.ts'

test('jobs of one key wait for each other, whatever becomes of them; other keys don’t wait', async () => {
  const queue = new KeyedQueue()
  const done: string[] = []
  const first = Promise.withResolvers<void>()
  const jobs = [
    queue.run('a', () => first.promise.then(() => done.push('a1'))),
    queue.run('a', async () => Promise.reject(new Error('a2'))),
    queue.run('a', async () => done.push('a3')),
    queue.run('b', async () => done.push('b1')),
  ]
  await jobs[3]
  assert.deepEqual(done, ['b1'])
  first.resolve()
  const outcomes = await Promise.allSettled(jobs)
  assert.deepEqual(done, ['b1', 'a1', 'a3'])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
})

test('a file belongs to one recording until that is over', () => {
  const inUse = new FilesInUse()
  inUse.claim('/root', 'cam1.mp4', 'first')
  inUse.claim('/root', 'cam1.mp4', 'first')
  inUse.claim('/other', 'cam1.mp4', 'second')
  assert.throws(() => inUse.claim('/root', 'cam1.mp4', 'second'), { code: 'recorder/recording-busy' })
  inUse.release('first')
  inUse.claim('/root', 'cam1.mp4', 'second')
})

test('a pause ends with the first tick after it', async () => {
  let nowMs = 0
  const pauses = new Pauses(() => nowMs)
  const ended: string[] = []
  const waits = [pauses.wait(1_000).then(() => ended.push('long')), pauses.wait(100).then(() => ended.push('short'))]
  nowMs = 99
  pauses.tick()
  await Promise.resolve()
  assert.deepEqual(ended, [])
  nowMs = 500
  pauses.tick()
  await waits[1]
  assert.deepEqual(ended, ['short'])
  nowMs = 1_000
  pauses.tick()
  await waits[0]
  assert.deepEqual(ended, ['short', 'long'])
})
