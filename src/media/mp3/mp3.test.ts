import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeAudioFormat } from '../format.ts'
import { describeInBand } from '../in-band.ts'
import { accessUnitSamples } from '../samples.ts'
import { parseMp3FrameHeader } from './frame-header.ts'

/** Frame headers of ffmpeg 5.1's encoders with the packet sizes ffprobe reports. */
const FRAMES = [
  {
    name: 'LAME, MPEG-1 layer III, 48 kHz mono 64 kbit/s',
    bytes: 'fffb54c4',
    rate: 48_000,
    channels: 1,
    frameBytes: 192,
    samples: 1152,
    bps: 64_000,
  },
  {
    name: 'LAME, MPEG-2 layer III, 22.05 kHz mono 32 kbit/s',
    bytes: 'fff340c4',
    rate: 22_050,
    channels: 1,
    frameBytes: 104,
    samples: 576,
    bps: 32_000,
  },
  {
    name: 'the same, padded',
    bytes: 'fff342c4',
    rate: 22_050,
    channels: 1,
    frameBytes: 105,
    samples: 576,
    bps: 32_000,
  },
  {
    name: 'MPEG-1 layer II, 44.1 kHz mono 384 kbit/s',
    bytes: 'fffde0c4',
    rate: 44_100,
    channels: 1,
    frameBytes: 1253,
    samples: 1152,
    bps: 384_000,
  },
  {
    name: 'the same, padded',
    bytes: 'fffde2c4',
    rate: 44_100,
    channels: 1,
    frameBytes: 1254,
    samples: 1152,
    bps: 384_000,
  },
  {
    name: 'MPEG-2.5 layer III, 8 kHz stereo 8 kbit/s, ISO/IEC 13818-3 extended',
    bytes: 'ffe31800',
    rate: 8_000,
    channels: 2,
    frameBytes: 72,
    samples: 576,
    bps: 8_000,
  },
  {
    name: 'MPEG-1 layer I, 32 kHz 32 kbit/s',
    bytes: 'ffff1800',
    rate: 32_000,
    channels: 2,
    frameBytes: 48,
    samples: 384,
    bps: 32_000,
  },
] as const

for (const vector of FRAMES) {
  test(`MPEG audio header: ${vector.name}`, () => {
    const header = parseMp3FrameHeader(hex(vector.bytes))
    assert.deepEqual(
      [header.sampleRateHz, header.channels, header.frameBytes, header.samples, header.bitrateBps],
      [vector.rate, vector.channels, vector.frameBytes, vector.samples, vector.bps],
    )
  })
}

test('an MP3 track is described by its first frame', () => {
  const frame = hex('fff340c4')
  const format = makeAudioFormat({ trackId: 1, codec: 'mp3', timescale: 22_050, ...describeInBand('mp3', frame) })
  assert.deepEqual([format.sampleRateHz, format.channels, format.samplesPerAccessUnit], [22_050, 1, 576])
  assert.equal(codecString(format), 'mp4a.69')
  assert.equal(accessUnitSamples(format, frame), 576)
  assert.equal(accessUnitSamples(format, hex('0000')), 0)
})

for (const [name, bytes] of [
  ['no sync word', '00fb54c4'],
  ['reserved version', 'ffeb54c4'],
  ['reserved layer', 'fff954c4'],
  ['reserved rate', 'fffb5cc4'],
  ['free format', 'fffb04c4'],
  ['bit rate 15', 'fffbf4c4'],
  ['three bytes', 'fffb54'],
] as const) {
  test(`refused: ${name}`, () =>
    assert.throws(() => parseMp3FrameHeader(hex(bytes)), { code: 'media/bitstream-invalid' }))
}

test('the parser throws typed errors only', () => {
  assertThrowsOnlyTapedeckErrors(
    parseMp3FrameHeader,
    FRAMES.map((vector) => hex(vector.bytes)),
  )
})
