import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { AUDIO_CODECS, VIDEO_CODECS } from './codec.ts'
import { codecString } from './codec-string.ts'
import { makeAudioFormat, makeVideoFormat } from './format.ts'
import { H264_RECORDS } from './h264/vectors.test-data.ts'
import { H265_RECORDS } from './h265/vectors.test-data.ts'
import { isSelfDescribing } from './in-band.ts'
import { randomAccessCheck } from './random-access.ts'
import { accessUnitSamples } from './samples.ts'

const AAC = { trackId: 2, codec: 'aac', timescale: 48_000, configuration: hex('1190') } as const

test('the bitstream wins over hints', () => {
  const configuration = hex(H264_RECORDS[0].avcC)
  const hints = { widthPixels: 1920, heightPixels: 1080, frameRateHint: 60, color: undefined }
  const format = makeVideoFormat({ trackId: 1, codec: 'h264', timescale: 90_000, configuration, ...hints })
  assert.deepEqual([format.widthPixels, format.heightPixels, format.frameRateHint], [318, 178, 25])
  const audio = makeAudioFormat({ ...AAC, sampleRateHz: 44_100, channels: 1 })
  assert.deepEqual([audio.sampleRateHz, audio.channels], [48_000, 2])
})

test('hints fill what the record leaves open', () => {
  const color = { primaries: 9, transfer: 18, matrix: 9, fullRange: false }
  const init = { trackId: 1, codec: 'h264', timescale: 90_000, configuration: hex('') } as const
  const format = makeVideoFormat({ ...init, widthPixels: 640, heightPixels: 360, frameRateHint: 30, color })
  assert.deepEqual([format.widthPixels, format.heightPixels, format.frameRateHint], [640, 360, 30])
  assert.deepEqual([format.color, format.pixelAspect], [color, { horizontal: 1, vertical: 1 }])
  assert.equal(codecString(format), 'avc1')
})

test('the record is copied, frozen with the format', () => {
  const configuration = hex('1190')
  const format = makeAudioFormat({ ...AAC, configuration })
  configuration.fill(0)
  assert.deepEqual(format.configuration, hex('1190'))
  assert.ok(Object.isFrozen(format))
})

test('the record may be a Buffer, whose slice() borrows: it is neither changed nor shared', () => {
  const configuration = Buffer.from(H264_RECORDS[0].avcC, 'hex')
  const format = makeVideoFormat({ trackId: 1, codec: 'h264', timescale: 90_000, configuration })
  assert.equal(configuration.toString('hex'), H264_RECORDS[0].avcC)
  configuration.fill(0)
  assert.deepEqual(format.configuration, hex(H264_RECORDS[0].avcC))
})

test('language and bit rate have defaults', () => {
  const plain = makeAudioFormat(AAC)
  assert.deepEqual([plain.language, plain.announcedBitrateBps], ['und', 0])
  const told = makeAudioFormat({ ...AAC, language: 'deu', announcedBitrateBps: 128_000 })
  assert.deepEqual([told.language, told.announcedBitrateBps], ['deu', 128_000])
  assert.equal(makeAudioFormat({ ...AAC, language: 'de-DE' }).language, 'und')
})

test('G.711 takes rate and channels from the hints, and durations from the bytes', () => {
  const init = { trackId: 2, codec: 'pcma', timescale: 8000, configuration: hex('') } as const
  const format = makeAudioFormat({ ...init, sampleRateHz: 8000, channels: 2 })
  assert.equal(accessUnitSamples(format, new Uint8Array(320)), 160)
  assert.equal(accessUnitSamples(format, new Uint8Array(321)), 0)
  assert.equal(codecString(format), 'alaw')
  assert.equal(codecString(makeAudioFormat({ ...init, codec: 'pcmu', sampleRateHz: 8000, channels: 1 })), 'ulaw')
  assert.throws(() => makeAudioFormat(init), { code: 'media/configuration-invalid', codec: 'pcma' })
})

test('a record of absurd size is refused', () => {
  const configuration = new Uint8Array(65_537)
  assert.throws(() => makeAudioFormat({ ...AAC, configuration }), { reason: /65537 bytes/ })
})

test('the random access check follows the codec', () => {
  const h264 = makeVideoFormat({
    trackId: 1,
    codec: 'h264',
    timescale: 90_000,
    configuration: hex(H264_RECORDS[0].avcC),
  })
  const h265 = makeVideoFormat({
    trackId: 1,
    codec: 'h265',
    timescale: 90_000,
    configuration: hex(H265_RECORDS[0].hvcC),
  })
  const idrOfH264 = hex('00000004 65888400')
  const idrOfH265 = hex('00000004 2801ac74')
  assert.deepEqual([idrOfH264, idrOfH265].map(randomAccessCheck(h264)), [true, false])
  assert.deepEqual([idrOfH264, idrOfH265].map(randomAccessCheck(h265)), [false, true])
  assert.equal(randomAccessCheck(makeAudioFormat(AAC))(hex('21')), true)
})

test('whatever a publisher sends as configuration, only typed errors come of it', () => {
  for (const codec of VIDEO_CODECS) {
    assertThrowsOnlyTapedeckErrors(
      (configuration) => codecString(makeVideoFormat({ trackId: 1, codec, timescale: 1000, configuration })),
      [...H264_RECORDS.map(({ avcC }) => hex(avcC)), ...H265_RECORDS.map(({ hvcC }) => hex(hvcC))],
    )
  }
  for (const codec of AUDIO_CODECS) {
    const hints = { sampleRateHz: 44_100, channels: 2 }
    assertThrowsOnlyTapedeckErrors(
      (configuration) => codecString(makeAudioFormat({ trackId: 1, codec, timescale: 1000, configuration, ...hints })),
      [hex('1190')],
    )
  }
})

test('self-describing codecs', () => {
  assert.deepEqual([...VIDEO_CODECS, ...AUDIO_CODECS].filter(isSelfDescribing), ['vp9', 'vp8', 'mp3', 'ac3', 'eac3'])
})
