import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeVideoFormat } from '../format.ts'
import { parseVpcC } from '../vp9/vpcc.ts'
import { isVp8RandomAccess, parseVp8FrameTag } from './frame-tag.ts'
import { vp8FromKeyFrame } from './from-key-frame.ts'

/** First bytes of libvpx frames, `ffmpeg -f lavfi -i testsrc2=s=318x178 -c:v libvpx`. */
const KEY_FRAME = hex('f062009d012a3e01b200000708858588')
const INTER_FRAME = hex('28005117001f117c')

test('frame tags', () => {
  assert.deepEqual(parseVp8FrameTag(KEY_FRAME), { kind: 'key', version: 0, widthPixels: 318, heightPixels: 178 })
  assert.equal(isVp8RandomAccess(KEY_FRAME), true)
  assert.equal(isVp8RandomAccess(hex('')), false)
})

test('an inter frame is no random access point', () => {
  const inter = hex('f1 0200 9d012a')
  assert.deepEqual(parseVp8FrameTag(inter), { kind: 'inter', version: 0 })
  assert.equal(isVp8RandomAccess(inter), false)
  // This one has its key bit clear but no start code: damage.
  assert.throws(() => parseVp8FrameTag(hex('28005117001f117c0000')), { reason: /start code/ })
  assert.equal(isVp8RandomAccess(INTER_FRAME), false)
})

test('scaling bits are not size', () => {
  const scaled = hex('f062009d012a 3e41 b280')
  assert.deepEqual(parseVp8FrameTag(scaled), { kind: 'key', version: 0, widthPixels: 318, heightPixels: 178 })
})

test('a vpcC for vp08 is made from the key frame', () => {
  const told = vp8FromKeyFrame(KEY_FRAME)
  assert.deepEqual(told.configuration, hex('01000000 00 00 82 02 02 06 0000'))
  assert.equal(parseVpcC(told.configuration, 'vp8').bitDepth, 8)
  const format = makeVideoFormat({ trackId: 1, codec: 'vp8', timescale: 1000, ...told })
  assert.deepEqual([format.widthPixels, format.heightPixels], [318, 178])
  assert.equal(codecString(format), 'vp8')
  assert.throws(() => vp8FromKeyFrame(hex('f10200')), { code: 'media/bitstream-invalid' })
})

test('VP8 before its first key frame has hints only', () => {
  const format = makeVideoFormat({
    trackId: 1,
    codec: 'vp8',
    timescale: 1000,
    configuration: hex(''),
    widthPixels: 640,
  })
  assert.deepEqual([format.widthPixels, format.heightPixels, format.configuration.length], [640, 0, 0])
})

test('VP8 parsers throw typed errors only', () => {
  assertThrowsOnlyTapedeckErrors(parseVp8FrameTag, [KEY_FRAME, INTER_FRAME])
  assertThrowsOnlyTapedeckErrors(vp8FromKeyFrame, [KEY_FRAME, INTER_FRAME])
})
