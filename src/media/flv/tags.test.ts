import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TapedeckError } from '#base/error.ts'
import { AUDIO_CODECS, VIDEO_CODECS } from '../codec.ts'
import { audioTagHeader, parseAudioTag, splitAudioTag } from './audio-tag.ts'
import { canonicalConfiguration, flvConfiguration } from './configuration.ts'
import { isFlvCodec } from './four-cc.ts'
import { splitVideoTag, videoTagHeader } from './video-tag.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

/** One line per part: kind, codec, track, key or not, composition time, nano offset, payload. */
const video = (bytes: string) =>
  splitVideoTag(hex(bytes)).map(({ tag, payload }) =>
    [
      tag.kind,
      tag.codec ?? `(${tag.codecName})`,
      tag.multitrackId,
      tag.isKeyFrame ? 'key' : '-',
      tag.compositionTimeMs,
      tag.timestampOffsetNs,
      Buffer.from(payload).toString('hex'),
    ].join(' '),
  )
const audio = (bytes: string) =>
  splitAudioTag(hex(bytes)).map(({ tag, payload }) =>
    [
      tag.kind,
      tag.codec ?? `(${tag.codecName})`,
      tag.multitrackId,
      tag.timestampOffsetNs,
      Buffer.from(payload).toString('hex'),
    ].join(' '),
  )

const VIDEO_CASES = [
  { name: 'AVC sequence header (E.4.3)', bytes: '17 00 000000 0142', parts: ['configuration h264 0 key 0 0 0142'] },
  { name: 'AVC NALU, composition time 80', bytes: '27 01 000050 aa', parts: ['codedPicture h264 0 - 80 0 aa'] },
  { name: 'AVC NALU, negative composition time', bytes: '27 01 ffffd8 aa', parts: ['codedPicture h264 0 - -40 0 aa'] },
  { name: 'AVC end of sequence', bytes: '17 02 000000', parts: ['sequenceEnd h264 0 key 0 0 '] },
  { name: 'HEVC by codec id 12', bytes: '1c 01 000000 aa', parts: ['codedPicture h265 0 key 0 0 aa'] },
  { name: 'VP6', bytes: '14 aa', parts: ['codedPicture (On2 VP6) 0 key 0 0 aa'] },
  { name: 'seek command', bytes: '57 00', parts: ['command () 0 - 0 0 00'] },
  { name: 'HEVC CodedFrames (FFmpeg 8)', bytes: '91 68766331 000050 aa', parts: ['codedPicture h265 0 key 80 0 aa'] },
  { name: 'HEVC CodedFramesX (FFmpeg 8)', bytes: 'a3 68766331 aa', parts: ['codedPicture h265 0 - 0 0 aa'] },
  {
    name: 'VP9 CodedFrames has no composition time',
    bytes: 'a1 76703039 aabbcc',
    parts: ['codedPicture vp9 0 - 0 0 aabbcc'],
  },
  { name: 'VP8 SequenceStart', bytes: '90 76703038 01', parts: ['configuration vp8 0 key 0 0 01'] },
  { name: 'HEVC Metadata (FFmpeg 8)', bytes: 'd4 68766331 0200', parts: ['metadata h265 0 - 0 0 0200'] },
  { name: 'VVC, which the hub does not carry', bytes: '91 76766331 aa', parts: ['codedPicture (vvc1) 0 key 0 0 aa'] },
  { name: 'enhanced command frame', bytes: 'd1 68766331 01', parts: ['command () 0 - 0 0 01'] },
  { name: 'ModEx nano offset', bytes: '97 02 0f4240 01 61763031 aa', parts: ['codedPicture av1 0 key 0 1000000 aa'] },
  { name: 'unknown ModEx skipped', bytes: '97 00 ff 11 61763031 aa', parts: ['codedPicture av1 0 key 0 0 aa'] },
  {
    name: 'multitrack, one track',
    bytes: '96 01 68766331 02 000028 aa',
    parts: ['codedPicture h265 2 key 40 0 aa'],
  },
  {
    name: 'multitrack, many tracks',
    bytes: '96 11 61763031 00 000001 aa 01 000002 bbcc',
    parts: ['codedPicture av1 0 key 0 0 aa', 'codedPicture av1 1 key 0 0 bbcc'],
  },
  {
    name: 'multitrack, many codecs; size counts the composition time',
    bytes: '96 21 61763031 00 000001 aa 61766331 01 000004 000028 bb',
    parts: ['codedPicture av1 0 key 0 0 aa', 'codedPicture h264 1 key 40 0 bb'],
  },
]
for (const { name, bytes, parts } of VIDEO_CASES) {
  test(`video tag: ${name}`, () => assert.deepEqual(video(bytes), parts))
}

const AUDIO_CASES = [
  { name: 'AAC sequence header (E.4.2)', bytes: 'af 00 1190', parts: ['configuration aac 0 0 1190'] },
  { name: 'AAC raw', bytes: 'af 01 21', parts: ['codedAudio aac 0 0 21'] },
  { name: 'MP3', bytes: '2f fffb', parts: ['codedAudio mp3 0 0 fffb'] },
  { name: 'G.711 A-law', bytes: '72 d5', parts: ['codedAudio pcma 0 0 d5'] },
  { name: 'Speex', bytes: 'b2 aa', parts: ['codedAudio (Speex) 0 0 aa'] },
  { name: 'Opus CodedFrames (FFmpeg 8)', bytes: '91 4f707573 fc', parts: ['codedAudio opus 0 0 fc'] },
  { name: 'AC-3 SequenceStart without a record (FFmpeg 8)', bytes: '90 61632d33', parts: ['configuration ac3 0 0 '] },
  {
    name: 'MultichannelConfig (FFmpeg 8)',
    bytes: '94 61632d33 010100000004',
    parts: ['channels ac3 0 0 010100000004'],
  },
  { name: 'multitrack, one track', bytes: '95 01 6d703461 01 21', parts: ['codedAudio aac 1 0 21'] },
  {
    name: 'multitrack, many codecs',
    bytes: '95 21 6d703461 00 000001 21 4f707573 01 000001 fc',
    parts: ['codedAudio aac 0 0 21', 'codedAudio opus 1 0 fc'],
  },
  { name: 'ModEx nano offset', bytes: '97 02 0001f4 01 4f707573 fc', parts: ['codedAudio opus 0 500 fc'] },
]
for (const { name, bytes, parts } of AUDIO_CASES) {
  test(`audio tag: ${name}`, () => assert.deepEqual(audio(bytes), parts))
}

test('audio tag: G.711 is 8 kHz, MP3 as its header says', () => {
  assert.equal(parseAudioTag(hex('72 d5')).soundRateHz, 8000)
  assert.equal(parseAudioTag(hex('2b ff')).soundRateHz, 22050)
  assert.equal(parseAudioTag(hex('ee ff')).soundRateHz, 8000)
})

const TORN = ['', '17', '17 01 00', '91 6876', '91 68766331 00', '96', '97 02', '96 11 61763031 00 000009 aa']
for (const bytes of TORN) {
  test(`video tag refuses ${bytes || 'an empty body'}`, () =>
    assert.throws(() => video(bytes), { code: 'flv/tag-malformed' }))
}

test('tag headers: what is written is read back', () => {
  const codecs = fc.constantFrom(...VIDEO_CODECS.filter(isFlvCodec))
  fc.assert(
    fc.property(
      codecs,
      fc.boolean(),
      fc.integer({ min: -5000, max: 5000 }),
      fc.nat(255),
      fc.uint8Array({ maxLength: 20 }),
      (codec, isKeyFrame, compositionTimeMs, multitrackId, payload) => {
        const header = videoTagHeader({ kind: 'codedPicture', codec, isKeyFrame, compositionTimeMs, multitrackId })
        const parts = splitVideoTag(Buffer.concat([header, payload]))
        const hasTime = codec === 'h264' || codec === 'h265'
        assert.equal(parts.length, 1)
        assert.deepEqual(
          parts.map(({ tag, payload }) => [
            tag.codec,
            tag.isKeyFrame,
            tag.compositionTimeMs,
            tag.multitrackId,
            [...payload],
          ]),
          [[codec, isKeyFrame, hasTime ? compositionTimeMs : 0, multitrackId, [...payload]]],
        )
      },
    ),
  )
  for (const codec of AUDIO_CODECS.filter(isFlvCodec)) {
    const header = audioTagHeader({ kind: 'codedAudio', codec, sampleRateHz: 44100, channels: 2 })
    assert.deepEqual(
      splitAudioTag(Buffer.concat([header, hex('0102')])).map(({ tag, payload }) => [
        tag.kind,
        tag.codec,
        [...payload],
      ]),
      [['codedAudio', codec, [1, 2]]],
    )
  }
})

test('tag headers: codecs that FLV does not know are refused', () => {
  assert.throws(() => videoTagHeader({ kind: 'codedPicture', codec: 'jpeg', isKeyFrame: true }), {
    code: 'flv/tag-malformed',
  })
  const l16 = { kind: 'codedAudio', codec: 'l16', sampleRateHz: 44_100, channels: 2 } as const
  assert.throws(() => audioTagHeader(l16), { code: 'flv/tag-malformed' })
})

test('tags: arbitrary bytes only ever give typed errors', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      for (const split of [splitVideoTag, splitAudioTag]) {
        try {
          split(bytes)
        } catch (error) {
          assert.ok(error instanceof TapedeckError, String(error))
        }
      }
    }),
    { numRuns: 3000 },
  )
})

const STREAM_INFO = '1200120000041a0004ff0bb800f000017700957e0a09f97871af8c611d306aad8ab5'
const CONFIGURATION_CASES = [
  { name: 'FLAC bare (FFmpeg 8)', codec: 'flac', body: STREAM_INFO, canonical: STREAM_INFO },
  {
    name: 'FLAC marked (Enhanced RTMP v2)',
    codec: 'flac',
    body: `664c614380000022${STREAM_INFO}`,
    canonical: STREAM_INFO,
  },
  {
    name: 'vpcC with version (FFmpeg 8)',
    codec: 'vp9',
    body: '01000000000b820202020000',
    canonical: '01000000000b820202020000',
  },
  { name: 'vpcC without version', codec: 'vp9', body: '000b820202020000', canonical: '01000000000b820202020000' },
  { name: 'AC-3 with whatever record', codec: 'ac3', body: '10', canonical: '' },
] as const
for (const { name, codec, body, canonical } of CONFIGURATION_CASES) {
  test(`configuration: ${name}`, () => {
    assert.equal(Buffer.from(canonicalConfiguration(codec, hex(body))).toString('hex'), canonical)
    const back = flvConfiguration(codec, hex(canonical))
    if (back !== undefined) assert.deepEqual(canonicalConfiguration(codec, back), hex(canonical))
  })
}
