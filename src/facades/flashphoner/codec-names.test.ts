import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CODEC_NAMES } from './codec-names.ts'

test('codecs are written as the vendor writes them', () => {
  const { h264, vp8, aac, opus } = CODEC_NAMES
  assert.deepEqual({ h264, vp8, aac, opus }, { h264: 'H264', vp8: 'VP8', aac: 'AAC', opus: 'opus' })
})
