import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canPlay, isBrowserContainer } from './playability.ts'

test('the browser is asked about the container with its codecs', () => {
  const asked: string[] = []
  const probe = (type: string) => {
    asked.push(type)
    return 'maybe'
  }
  assert.ok(canPlay('mp4', ['avc1.64001f', 'mp4a.40.2'], probe))
  assert.ok(canPlay('webm', ['vp8', ''], probe))
  assert.ok(canPlay('mp4', [], probe))
  assert.deepEqual(asked, ['video/mp4; codecs="avc1.64001f, mp4a.40.2"', 'video/webm; codecs="vp8"', 'video/mp4'])
  assert.equal(
    canPlay('webm', ['vp8'], () => ''),
    false,
  )
})

test('no browser plays other containers, so none is asked', () => {
  for (const container of ['flv', 'ts', 'mkv']) {
    assert.equal(
      canPlay(container, [], () => assert.fail('asked')),
      false,
    )
    assert.equal(isBrowserContainer(container), false)
  }
})
