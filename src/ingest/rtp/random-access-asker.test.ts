import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RandomAccessAsker } from './random-access-asker.ts'

test('at most one request a second goes out, and one that had to wait is made up for', () => {
  let nowMs = 5
  const sentMs: number[] = []
  const asker = new RandomAccessAsker({ monotonicMs: () => nowMs, send: () => sentMs.push(nowMs) })
  for (; nowMs <= 4_000; nowMs += 10) {
    if (nowMs < 1_500 || nowMs === 3_005) asker.ask()
    asker.tick()
  }
  assert.deepEqual(sentMs, [5, 1_005, 2_005, 3_005])
  assert.equal(asker.asked, 4)
})

test('what came meanwhile need not be asked for', () => {
  let nowMs = 0
  let sent = 0
  const asker = new RandomAccessAsker({ monotonicMs: () => nowMs, send: () => sent++ })
  asker.ask()
  nowMs = 500
  asker.ask()
  asker.came()
  nowMs = 2_000
  asker.tick()
  assert.equal(sent, 1)
})

test('while one may be coming none is asked for, and then it is made up for', () => {
  let nowMs = 0
  const sentMs: number[] = []
  const asker = new RandomAccessAsker({
    monotonicMs: () => nowMs,
    send: () => sentMs.push(nowMs),
    mayBeComing: (atMs) => atMs < 500,
  })
  asker.ask()
  for (; nowMs < 1_000; nowMs += 20) asker.tick()
  assert.deepEqual(sentMs, [500])
})
