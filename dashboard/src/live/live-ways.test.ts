import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConnectionError, ServerError, TapedeckError } from '../../../client/src/errors.ts'
import { LiveWays } from './live-ways.ts'

test('WebRTC where the browser and the server have it', () => {
  assert.equal(new LiveWays(true).wayOf('1', true), 'webrtc')
  assert.equal(new LiveWays(false).wayOf('1', true), 'mp4')
  assert.equal(new LiveWays(true).wayOf('1', false), 'mp4')
})

test('a stream that the server refuses comes as MP4, others still by WebRTC', () => {
  const ways = new LiveWays(true)
  ways.failed('1', new ServerError(422, 'webrtc/reordered-pictures', 'it has B-frames'))
  assert.equal(ways.wayOf('1', true), 'mp4')
  assert.equal(ways.reasonAgainst('1'), 'it has B-frames')
  assert.equal(ways.wayOf('2', true), 'webrtc')
})

test('a picture that never came says nothing about other streams', () => {
  const ways = new LiveWays(true)
  ways.failed('1', new TapedeckError('client/no-picture', 'none'))
  assert.deepEqual([ways.wayOf('1', true), ways.wayOf('2', true)], ['mp4', 'webrtc'])
})

for (const error of [
  new ConnectionError('client/connection-failed', 'no UDP'),
  new ServerError(404, 'webrtc/disabled', 'off'),
]) {
  test(`${error.code}: no stream tries again`, () => {
    const ways = new LiveWays(true)
    ways.failed('1', error)
    assert.equal(ways.wayOf('2', true), 'mp4')
    assert.equal(ways.reasonAgainst('2'), error.message)
  })
}
