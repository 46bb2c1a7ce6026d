import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import type { EvoEvent } from './event.ts'
import { SinkQueue } from './sink-queue.ts'

const RUNTIME = { nowMs: Date.now, monotonicMs: () => performance.now(), newId: () => '', log: SILENT_LOGGER }
const event = (id: number, type: EvoEvent['type'] = 'timerTriggered'): EvoEvent => {
  return { id, type, timestamp: 0, processId: 1, payload: {} }
}

test('events are delivered one at a time, in order; one that fails holds up no other', async () => {
  const delivered: number[] = []
  let atOnce = 0
  await using queue = new SinkQueue(RUNTIME, 'test', undefined, async ({ id }) => {
    assert.equal(++atOnce, 1)
    await new Promise((resolve) => setImmediate(resolve))
    atOnce--
    if (id === 3) throw new Error('refused')
    delivered.push(id)
  })
  for (let id = 1; id <= 5; id++) queue.push(event(id))
  await queue[Symbol.asyncDispose]()
  assert.deepEqual(delivered, [1, 2, 4, 5])
})

test('only events that are enabled are delivered', async () => {
  const delivered: number[] = []
  const queue = new SinkQueue(RUNTIME, 'test', ['recordChunkClosed'], async ({ id }) => void delivered.push(id))
  queue.push(event(1))
  queue.push(event(2, 'recordChunkClosed'))
  await queue[Symbol.asyncDispose]()
  assert.deepEqual(delivered, [2])
})

test('a sink that hangs loses the oldest events, and is not waited for at the end', async () => {
  const lost: object[] = []
  const log = { ...SILENT_LOGGER, warn: (fields: object) => void lost.push(fields) }
  const delivered: number[] = []
  const queue = new SinkQueue({ ...RUNTIME, log }, 'test', undefined, async ({ id }, signal) => {
    delivered.push(id)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  })
  for (let id = 1; id <= 2_002; id++) queue.push(event(id))
  await queue[Symbol.asyncDispose]()
  assert.deepEqual(delivered, [1])
  assert.partialDeepStrictEqual(lost, [{ event: 'evostream.event-lost', occurrences: 1 }])
})
