import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import { buildOpusHead } from '#media/opus/opus-head.ts'
import type { AudioFormat, VideoFormat } from '#media/track.ts'
import { elementaryFramer } from './elementary-framer.ts'
import { Segments } from './segments.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'))
const BASE = { trackId: 1, timescale: 90_000, announcedBitrateBps: 0, language: 'und' }

function video(codec: 'h264' | 'h265', configuration: string): VideoFormat {
  const size = { widthPixels: 0, heightPixels: 0, pixelAspect: { horizontal: 1, vertical: 1 } }
  return {
    ...BASE,
    ...size,
    kind: 'video',
    codec,
    configuration: bytes(configuration),
    frameRateHint: 0,
    color: undefined,
  }
}

function audio(codec: AudioFormat['codec'], configuration: Uint8Array): AudioFormat {
  return { ...BASE, kind: 'audio', codec, configuration, sampleRateHz: 48_000, channels: 2, samplesPerAccessUnit: 0 }
}

function frame(format: VideoFormat | AudioFormat, payload: Uint8Array, isRandomAccess = true): string {
  const out = new Segments()
  elementaryFramer(format)(payload, isRandomAccess, out)
  const whole = new Uint8Array(out.bytes)
  out.reader().copy(whole, 0, out.bytes)
  return Buffer.from(whole).toString('hex')
}

/** SPS 67 42 00 0a, PPS 68 ce, lengths of 4 (ff) or 2 (fd) bytes. */
const AVCC = '01 42000a ff e1 0004 6742000a 01 0002 68ce'
const AVCC_2 = '01 42000a fd e1 0004 6742000a 01 0002 68ce'
/** Main profile, VPS 40 01, SPS 42 01, PPS 44 01. */
const HVCC = `01 01 60000000 900000000000 5d f000 fc fd f8 f8 0000 0f 03
  a0 0001 0002 4001 a1 0001 0002 4201 a2 0001 0002 4401`

const CASES = [
  {
    name: 'H.264 key frame: delimiter and parameter sets added',
    format: video('h264', AVCC),
    payload: '00000002 65aa',
    expected: '00000001 09f0 00000001 6742000a 00000001 68ce 00000001 65aa',
  },
  {
    name: 'H.264 inter: delimiter only',
    format: video('h264', AVCC),
    isRandomAccess: false,
    payload: '00000002 41aa 00000001 41',
    expected: '00000001 09f0 00000001 41aa 00000001 41',
  },
  {
    name: 'H.264 with its own delimiter: kept, sets behind it',
    format: video('h264', AVCC),
    payload: '00000002 0910 00000002 65aa',
    expected: '00000001 0910 00000001 6742000a 00000001 68ce 00000001 65aa',
  },
  {
    name: 'H.264 with its own parameter sets: none added',
    format: video('h264', AVCC),
    payload: '00000002 67ff 00000002 68ff 00000002 65aa',
    expected: '00000001 09f0 00000001 67ff 00000001 68ff 00000001 65aa',
  },
  {
    name: 'H.264 with lengths of two bytes',
    format: video('h264', AVCC_2),
    isRandomAccess: false,
    payload: '0002 41aa 0001 41',
    expected: '00000001 09f0 00000001 41aa 00000001 41',
  },
  {
    name: 'H.264 with a length beyond the payload: no byte is lost',
    format: video('h264', AVCC),
    isRandomAccess: false,
    payload: '00000002 41aa 000000ff 4142',
    expected: '00000001 09f0 00000001 41aa 00000001 4142',
  },
  {
    name: 'H.265 key frame',
    format: video('h265', HVCC),
    payload: '00000003 2601aa',
    expected: '00000001 460150 00000001 4001 00000001 4201 00000001 4401 00000001 2601aa',
  },
  {
    name: 'AAC LC 44100 stereo: ADTS, 7 + 3 bytes',
    format: audio('aac', buildAudioSpecificConfig(2, 44_100, 2)),
    payload: 'aabbcc',
    expected: 'fff15080015ffc aabbcc',
  },
  {
    name: 'Opus, 2 bytes',
    format: audio('opus', bytes('4f70757348656164 01 02 3801 80bb0000 0000 00')),
    payload: 'aabb',
    expected: '7fe002 aabb',
  },
  { name: 'AC-3 as it is', format: audio('ac3', new Uint8Array()), payload: '0b77aa', expected: '0b77aa' },
] as const

for (const { name, format, payload, expected, ...rest } of CASES) {
  test(`framing: ${name}`, () => {
    const isRandomAccess = 'isRandomAccess' in rest ? rest.isRandomAccess : true
    assert.equal(frame(format, bytes(payload), isRandomAccess), expected.replaceAll(' ', ''))
  })
}

test('framing: Opus sizes are laced in bytes of 255', () => {
  const format = audio('opus', bytes('4f70757348656164 01 01 3801 80bb0000 0000 00'))
  for (const [size, laced] of [
    [254, 'fe'],
    [255, 'ff00'],
    [256, 'ff01'],
    [20_000, `${'ff'.repeat(78)}6e`],
  ] as const) {
    assert.equal(frame(format, new Uint8Array(size)).slice(0, 4 + laced.length), `7fe0${laced}`)
  }
})

test('framing: what MPEG-TS has no code for is refused with the reason', () => {
  const refused = { code: 'container/codec-unsupported' }
  const surround = { channels: 6, preSkip: 0, inputSampleRateHz: 0, outputGain: 0, mappingFamily: 255 }
  const mapping = { streams: 6, coupledStreams: 0, table: Uint8Array.of(0, 1, 2, 3, 4, 5) }
  assert.throws(() => elementaryFramer(audio('opus', buildOpusHead({ ...surround, mapping }))), refused)
  assert.throws(() => elementaryFramer(audio('aac', buildAudioSpecificConfig(2, 44_000, 2))), refused)
  assert.throws(() => elementaryFramer(audio('aac', buildAudioSpecificConfig(23, 48_000, 2))), refused)
})
