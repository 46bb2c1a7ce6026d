import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeVideoFormat } from '../format.ts'
import { randomAccessCheck } from '../random-access.ts'
import { reorderDepth } from '../reorder-depth.ts'
import { mpeg4HeadersOf, parseMpeg4Headers } from './headers.ts'

/** What ffmpeg 5.1 makes of 320x180 at 25 pictures a second, without and with B-pictures. */
const SIMPLE = hex('000001b001000001b58913000001000000012000c48d8800cd0a04169443000001b24c61766335392e33372e313030')
const ADVANCED = hex('000001b0f1000001b5a913000001000000012008d48d0800cd0a041694103f')

const format = (configuration: Uint8Array) =>
  makeVideoFormat({ trackId: 1, timescale: 90_000, codec: 'mpeg4', configuration })

test('headers tell size, profile and whether pictures are reordered', () => {
  const simple = format(SIMPLE)
  assert.deepEqual([simple.widthPixels, simple.heightPixels], [320, 180])
  assert.deepEqual([codecString(simple), reorderDepth(simple)], ['mp4v.20.1', 0])
  assert.equal(codecString(format(hex(''))), 'mp4v.20')
  assert.equal(reorderDepth(format(ADVANCED)), 1)
})

test('headers in the media are those before the first GOV or VOP', () => {
  const vop = hex('000001b600')
  assert.deepEqual(mpeg4HeadersOf(Buffer.concat([SIMPLE, hex('000001b300'), vop])), Buffer.from(SIMPLE))
  assert.equal(mpeg4HeadersOf(vop), undefined)
  assert.equal(mpeg4HeadersOf(SIMPLE), undefined)
})

test('decoding may start at an I-VOP only', () => {
  const isRandomAccess = randomAccessCheck(format(SIMPLE))
  assert.deepEqual(
    ['000001b610', '000001b3000000000001b63f', '000001b650', '000001b6', 'ff00', ''].map((text) =>
      isRandomAccess(hex(text)),
    ),
    [true, true, false, false, false, false],
  )
})

test('whatever comes as headers, only typed errors come of it', () => {
  assertThrowsOnlyTapedeckErrors(parseMpeg4Headers, [SIMPLE, ADVANCED])
  assert.throws(() => parseMpeg4Headers(hex('000001b001')), { code: 'media/configuration-invalid' })
})
