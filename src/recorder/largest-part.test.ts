import assert from 'node:assert/strict'
import { test } from 'node:test'
import { boundedRotation } from './largest-part.ts'

const NONE = { rotateSeconds: 0, rotateBytes: 0, rotateAt: '', mp4Compatible32: true, format: 'auto' } as const

test('32-bit headers end a part before 4 GiB and 13 hours, and never later than was asked for', () => {
  assert.deepEqual(boundedRotation(NONE), { rotateSeconds: 43_200, rotateBytes: 4_026_531_840, rotateAt: '' })
  const asked = { rotateSeconds: 10, rotateBytes: 100_000, rotateAt: '* * * * *' }
  assert.deepEqual(boundedRotation({ ...NONE, ...asked }), asked)
})

test('other files are as large as they like', () => {
  const none = { rotateSeconds: 0, rotateBytes: 0, rotateAt: '' }
  assert.deepEqual(boundedRotation({ ...NONE, mp4Compatible32: false }), none)
  assert.deepEqual(boundedRotation({ ...NONE, format: 'flv' }), none)
})
