import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAudio, testVideo } from '#test/support/access-units.ts'
import { TimeLimit } from './time-limit.ts'

const tracks = new Map([testVideo(), testAudio()].map((format) => [format.trackId, format]))

test('without a limit there is no end', () => {
  assert.equal(new TimeLimit(0, 5_000, () => 0).endMs, Number.POSITIVE_INFINITY)
})

test('an appended recording lasts that long again', () => {
  assert.equal(new TimeLimit(2, 5_000, () => 0).endMs, 7_000)
})

test('the last track to come to the end ends it', () => {
  const limit = new TimeLimit(2, 0, () => 0)
  assert.equal(limit.reached(1, tracks), false)
  assert.equal(limit.reached(1, tracks), false)
  assert.equal(limit.reached(2, tracks), true)
})

test('a track that does not come is waited for two seconds', () => {
  let nowMs = 0
  const limit = new TimeLimit(2, 0, () => nowMs)
  nowMs = 60_000
  assert.equal(limit.isPast, false)
  limit.reached(1, tracks)
  nowMs += 2_000
  assert.equal(limit.isPast, false)
  nowMs += 1
  assert.equal(limit.isPast, true)
})
