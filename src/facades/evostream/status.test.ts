import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATUS, Status } from './status.ts'

const state = (code: number, description: string, timestamp: number, uniqueStreamId = 0) => {
  return { code, description, timestamp, uniqueStreamId }
}

test('a configuration waits, streams, loses its stream and is queued again', () => {
  const status = new Status(1_000_000)
  const waiting = state(2, 'Waiting for stream', 1_000)
  assert.deepEqual(status.toValue(1_000_000), { current: waiting, previous: waiting })
  status.set(STATUS.streaming, 1_005_900, 3)
  const streaming = state(0, 'Streaming', 1_005, 3)
  assert.deepEqual(status.toValue(1_006_000), { current: streaming, previous: waiting })
  status.set(STATUS.disconnected, 1_010_000)
  const disconnected = state(4, 'Disconnected', 1_010)
  assert.deepEqual(status.toValue(1_010_900), { current: disconnected, previous: streaming })
  const again = state(2, 'Waiting for stream', 1_011)
  assert.deepEqual(status.toValue(1_011_000), { current: again, previous: disconnected })
})
