import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeAudioFormat } from '../format.ts'
import { adtsCarries, adtsHeader, MAX_ADTS_FRAME_BYTES, parseAdtsHeader } from './adts.ts'
import { AAC_SAMPLE_RATES_HZ, buildAudioSpecificConfig, parseAudioSpecificConfig } from './audio-specific-config.ts'

const CONFIGS = [
  { name: 'LC 48 kHz stereo', asc: '1190', rate: 48_000, core: 48_000, channels: 2, samples: 1024, codec: 'mp4a.40.2' },
  {
    name: 'ffmpeg 5.1 aac, mono, sync extension without SBR',
    asc: '118856e500',
    rate: 48_000,
    core: 48_000,
    channels: 1,
    samples: 1024,
    codec: 'mp4a.40.2',
  },
  {
    name: 'ffmpeg 5.1 aac, 5.1 at 44.1 kHz',
    asc: '123056e500',
    rate: 44_100,
    core: 44_100,
    channels: 6,
    samples: 1024,
    codec: 'mp4a.40.2',
  },
  {
    name: 'ffmpeg 5.1 aac, quad in a program config element',
    asc: '118004c4040021100d4c61766335392e33372e31303056e500',
    rate: 48_000,
    core: 48_000,
    channels: 4,
    samples: 1024,
    codec: 'mp4a.40.2',
  },
  {
    name: '960 samples (DAB, DRM)',
    asc: '1194',
    rate: 48_000,
    core: 48_000,
    channels: 2,
    samples: 960,
    codec: 'mp4a.40.2',
  },
  {
    name: 'HE-AAC, hierarchical, 22.05 to 44.1 kHz',
    asc: '2b920800',
    rate: 44_100,
    core: 22_050,
    channels: 2,
    samples: 2048,
    codec: 'mp4a.40.5',
  },
  {
    name: 'HE-AAC v2, hierarchical',
    asc: 'eb8a0800',
    rate: 44_100,
    core: 22_050,
    channels: 2,
    samples: 2048,
    codec: 'mp4a.40.29',
  },
  {
    name: 'HE-AAC, backward compatible',
    asc: '139056e5a0',
    rate: 44_100,
    core: 22_050,
    channels: 2,
    samples: 2048,
    codec: 'mp4a.40.5',
  },
  {
    name: 'HE-AAC v2, backward compatible',
    asc: '138856e5a54880',
    rate: 44_100,
    core: 22_050,
    channels: 2,
    samples: 2048,
    codec: 'mp4a.40.29',
  },
  {
    name: 'AAC-LD 512 samples',
    asc: 'b98800',
    rate: 48_000,
    core: 48_000,
    channels: 1,
    samples: 512,
    codec: 'mp4a.40.23',
  },
] as const

for (const vector of CONFIGS) {
  test(`AudioSpecificConfig: ${vector.name}`, () => {
    assert.equal(parseAudioSpecificConfig(hex(vector.asc)).coreSampleRateHz, vector.core)
    const format = makeAudioFormat({ trackId: 1, codec: 'aac', timescale: vector.rate, configuration: hex(vector.asc) })
    assert.equal(format.sampleRateHz, vector.rate)
    assert.equal(format.channels, vector.channels)
    assert.equal(format.samplesPerAccessUnit, vector.samples)
    assert.equal(codecString(format), vector.codec)
  })
}

test('what is built reads back', () => {
  const rate = fc.oneof(fc.constantFrom(...AAC_SAMPLE_RATES_HZ), fc.integer({ min: 1, max: 2 ** 24 - 1 }))
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      rate,
      fc.integer({ min: 1, max: 7 }),
      (objectType, rateHz, channels) => {
        const config = parseAudioSpecificConfig(buildAudioSpecificConfig(objectType, rateHz, channels))
        assert.deepEqual(
          [config.objectType, config.outputSampleRateHz, config.channelConfiguration, config.samplesPerAccessUnit],
          [objectType, rateHz, channels, 1024],
        )
      },
    ),
  )
})

test('channels come from the hint when the record leaves them open', () => {
  const init = { trackId: 1, codec: 'aac', timescale: 48_000, configuration: hex('118000000000000000') } as const // no channel in its program config element
  assert.throws(() => makeAudioFormat(init), { code: 'media/configuration-invalid' })
  const format = makeAudioFormat({ ...init, channels: 3 })
  assert.equal(format.channels, 3)
})

test('a reserved sampling frequency index is refused', () => {
  assert.throws(() => parseAudioSpecificConfig(hex('1690')), {
    code: 'media/configuration-invalid',
    reason: /index 13/,
  })
})

/** Header of `ffmpeg -c:a aac -f adts`, mono 48 kHz; the access unit has 212 bytes. */
const FFMPEG_ADTS = hex('fff14c401b7ffc')

test('the ADTS header is ffmpeg’s', () => {
  const config = parseAudioSpecificConfig(hex('118856e500'))
  assert.deepEqual(parseAdtsHeader(FFMPEG_ADTS), {
    objectType: 2,
    sampleRateHz: 48_000,
    channelConfiguration: 1,
    headerBytes: 7,
    frameBytes: 219,
  })
  assert.deepEqual(adtsHeader(config, 212), FFMPEG_ADTS)
})

test('ADTS headers read back for any size, and end at their limit', () => {
  const config = parseAudioSpecificConfig(hex('2b920800'))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: MAX_ADTS_FRAME_BYTES - 7 }), (bytes) => {
      const header = parseAdtsHeader(adtsHeader(config, bytes))
      assert.deepEqual([header.sampleRateHz, header.channelConfiguration, header.frameBytes], [22_050, 2, bytes + 7])
    }),
  )
  assert.throws(() => adtsHeader(config, MAX_ADTS_FRAME_BYTES), { code: 'media/bitstream-invalid' })
})

test('what ADTS can not describe is refused', () => {
  for (const asc of ['b98800', '118004c4040021100d4c61766335392e33372e313030']) {
    const config = parseAudioSpecificConfig(hex(asc))
    assert.equal(adtsCarries(config), false)
    assert.throws(() => adtsHeader(config, 100), { code: 'media/bitstream-invalid' })
  }
})

test('AAC parsers throw typed errors only', () => {
  assertThrowsOnlyTapedeckErrors(
    parseAudioSpecificConfig,
    CONFIGS.map((vector) => hex(vector.asc)),
  )
  assertThrowsOnlyTapedeckErrors(parseAdtsHeader, [FFMPEG_ADTS])
})
