import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryDocument } from '../api/documents.ts'
import { deliveryReason, deliveryState } from './hook-words.ts'

const DELIVERY: DeliveryDocument = {
  id: 'd1',
  webhook: 'webhook-1',
  event: { id: 'e1', type: 'recording.ready' },
  stream: 'live/cam1',
  recording: '01a',
  state: 'pending',
  attempts: 1,
  createdAt: '2026-11-20T09:00:00.000Z',
  nextAttemptAt: '2026-11-20T09:00:05.000Z',
  endedAt: null,
  lastStatus: null,
  lastError: null,
  lastDurationMs: null,
}

const REASONS: readonly { change: Partial<DeliveryDocument>; reason: string }[] = [
  { change: { attempts: 0 }, reason: '' },
  { change: { lastStatus: 503 }, reason: 'answered with status 503' },
  { change: { lastStatus: 503, lastError: 'it answered 503' }, reason: 'it answered 503' },
  { change: { state: 'delivered', lastStatus: 200, lastError: 'of before' }, reason: '' },
]
for (const { change, reason } of REASONS) {
  test(`why a delivery did not do: ${reason || 'nothing to say'}`, () =>
    assert.equal(deliveryReason({ ...DELIVERY, ...change }), reason))
}

test('a state of the address that there is not is no filter', () => {
  assert.equal(deliveryState('dead'), 'dead')
  assert.equal(deliveryState('lost'), '')
  assert.equal(deliveryState('toString'), '')
})
