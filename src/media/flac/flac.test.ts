import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { makeAudioFormat } from '../format.ts'
import { accessUnitSamples } from '../samples.ts'
import { flacFrameSamples } from './frame-header.ts'
import { parseFlacStreamInfo } from './stream-info.ts'

/** From the dfLa box of ffmpeg 5.1, `-i sine=r=48000 -c:a flac`. */
const STREAM_INFO = '1200120000010c0004ff0bb800f000004b0093b07119b6611955bd673ee6a575a807'

const FORMS = [
  { name: 'STREAMINFO alone', bytes: STREAM_INFO },
  { name: 'block with header', bytes: `80000022${STREAM_INFO}` },
  { name: 'fLaC and block, as FFmpeg’s E-RTMP', bytes: `664c614380000022${STREAM_INFO}` },
  { name: 'fLaC, STREAMINFO and a comment block', bytes: `664c614300000022${STREAM_INFO}84000004aabbccdd` },
  { name: 'dfLa body', bytes: `0000000080000022${STREAM_INFO}` },
] as const

for (const { name, bytes } of FORMS) {
  test(`FLAC configuration: ${name}`, () => {
    const format = makeAudioFormat({ trackId: 1, codec: 'flac', timescale: 48_000, configuration: hex(bytes) })
    assert.deepEqual(format.configuration, hex(STREAM_INFO))
    assert.deepEqual([format.sampleRateHz, format.channels], [48_000, 1])
  })
}

test('STREAMINFO fields', () => {
  assert.deepEqual(parseFlacStreamInfo(hex(STREAM_INFO)), {
    minBlockSamples: 4608,
    maxBlockSamples: 4608,
    sampleRateHz: 48_000,
    channels: 1,
    bitsPerSample: 16,
  })
})

for (const bytes of ['', '664c6143', '664c614381000022', `664c614304000022${STREAM_INFO}`]) {
  test(`refused as a FLAC configuration: ${bytes || 'nothing'}`, () => {
    assert.throws(() => parseFlacStreamInfo(hex(bytes)), { code: 'media/configuration-invalid', codec: 'flac' })
  })
}

const FRAMES = [
  { name: 'ffmpeg 5.1, 4608 samples', bytes: 'fff85a0800814e00', samples: 4608 },
  { name: '8-bit size', bytes: 'fff86a0800 c7 00', samples: 200 },
  { name: '16-bit size', bytes: 'fff87a0800 0a7f 00', samples: 2688 },
  { name: 'size after a three-byte frame number', bytes: 'fff86a08 e18080 0f 00', samples: 16 },
  { name: '192 samples', bytes: 'fff81a0800', samples: 192 },
  { name: '1152 samples', bytes: 'fff83a0800', samples: 1152 },
  { name: '4096 samples, variable block size', bytes: 'fff9ca0800', samples: 4096 },
  { name: '32768 samples', bytes: 'fff8fa0800', samples: 32_768 },
]
for (const { name, bytes, samples } of FRAMES) {
  test(`FLAC frame: ${name}`, () => assert.equal(flacFrameSamples(hex(bytes)), samples))
}

test('broken frames have no duration', () => {
  for (const bytes of ['', 'ffff', 'fff80a0800', 'fff85a0880', 'fff85a08ff', 'fff85a']) {
    assert.throws(() => flacFrameSamples(hex(bytes)), { code: 'media/bitstream-invalid' })
  }
  const format = makeAudioFormat({ trackId: 1, codec: 'flac', timescale: 48_000, configuration: hex(STREAM_INFO) })
  assert.equal(accessUnitSamples(format, hex('fff85a0800814e00')), 4608)
  assert.equal(accessUnitSamples(format, hex('ffff')), 0)
})

test('FLAC parsers throw typed errors only', () => {
  assertThrowsOnlyTapedeckErrors(
    parseFlacStreamInfo,
    FORMS.map(({ bytes }) => hex(bytes)),
  )
  assertThrowsOnlyTapedeckErrors(
    flacFrameSamples,
    FRAMES.map(({ bytes }) => hex(bytes)),
  )
})
