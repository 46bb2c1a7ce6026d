import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeVideoFormat } from '../format.ts'
import { isVp9RandomAccess, parseVp9FrameHeader } from './frame-header.ts'
import { vp9FromKeyFrame } from './from-key-frame.ts'
import { vp9Level } from './level.ts'
import { vp9Frames } from './superframe.ts'
import { canonicalVpcC, parseVpcC } from './vpcc.ts'

/** Key frames' first bytes and the vpcC that ffmpeg 5.1 wrote for the same stream, `testsrc2=s=318x178 -c:v libvpx-vp9`. */
const STREAMS = [
  {
    name: 'profile 0, -colorspace bt709',
    keyFrame: '824983424013d00b160638241c184a000c805fc9f7fb',
    vpcC: '01000000000b820202010000',
    profile: 0,
    color: { primaries: 1, transfer: 1, matrix: 1, fullRange: false },
    chroma: 1,
    codecString: 'vp09.00.11.08',
  },
  {
    name: 'profile 1, 4:4:4',
    keyFrame: 'a249834200027a0162c0c7048383094001d45fc9f7fb',
    vpcC: '01000000010b860202020000',
    profile: 1,
    color: { primaries: 2, transfer: 2, matrix: 2, fullRange: false },
    chroma: 3,
    codecString: 'vp09.01.11.08',
  },
] as const

for (const vector of STREAMS) {
  test(`key frame: ${vector.name}`, () => {
    const told = vp9FromKeyFrame(hex(vector.keyFrame), 25)
    assert.deepEqual([told.widthPixels, told.heightPixels], [318, 178])
    assert.deepEqual(told.color, vector.color)
    const ours = parseVpcC(told.configuration, 'vp9')
    const theirs = parseVpcC(hex(vector.vpcC), 'vp9')
    assert.deepEqual([ours.profile, ours.level, ours.bitDepth], [theirs.profile, theirs.level, theirs.bitDepth])
    assert.deepEqual([ours.profile, ours.chromaSubsampling], [vector.profile, vector.chroma])
    assert.ok(isVp9RandomAccess(hex(vector.keyFrame)))
    const format = makeVideoFormat({ trackId: 1, codec: 'vp9', timescale: 90_000, ...told })
    assert.equal(codecString(format), vector.codecString)
  })
}

test('inter frames and repeats are told apart', () => {
  assert.deepEqual(parseVp9FrameHeader(hex('86004092f121')), { kind: 'inter', profile: 0 })
  assert.deepEqual(parseVp9FrameHeader(hex('88')), { kind: 'repeat', profile: 0 })
  assert.equal(isVp9RandomAccess(hex('86004092f121')), false)
  assert.equal(isVp9RandomAccess(hex('00')), false)
})

test('profile 2 has 10 or 12 bits', () => {
  // Marker 10, profile bits 01, no repeat, key, shown, resilient; sync code; 0 = 10 bits, unknown colour, studio range; 320x180.
  const header = parseVp9FrameHeader(hex('92 498342 00 09f8 0598 00'))
  assert.deepEqual(header.kind === 'key' && [header.profile, header.bitDepth], [2, 10])
})

test('vpcC without its full box header gets one; a whole one is left alone', () => {
  const bare = hex('00 0b 82 02 02 02 0000')
  const full = hex('01000000 00 0b 82 02 02 02 0000')
  assert.deepEqual(canonicalVpcC(bare), full)
  assert.equal(canonicalVpcC(full), full)
  assert.deepEqual(parseVpcC(bare, 'vp9'), parseVpcC(full, 'vp9'))
  const format = makeVideoFormat({
    trackId: 1,
    codec: 'vp9',
    timescale: 90_000,
    configuration: bare,
    widthPixels: 640,
    heightPixels: 360,
  })
  assert.deepEqual(format.configuration, full)
  assert.equal(format.color, undefined)
})

test('an unknown level in vpcC is worked out from the size', () => {
  const configuration = hex('01000000 00 00 82 02 02 02 0000')
  const size = { widthPixels: 1920, heightPixels: 1080, frameRateHint: 60 }
  assert.equal(
    codecString(makeVideoFormat({ trackId: 1, codec: 'vp9', timescale: 1000, configuration, ...size })),
    'vp09.00.41.08',
  )
})

// webmproject.org/vp9/levels
const LEVELS = [
  { size: [256, 144, 15], level: 10 },
  { size: [640, 360, 30], level: 21 },
  { size: [1280, 720, 30], level: 31 },
  { size: [1920, 1080, 30], level: 40 },
  { size: [3840, 2160, 60], level: 51 },
  { size: [16_384, 16_384, 60], level: 62 },
  { size: [0, 0, 0], level: 10 },
] as const
for (const { size, level } of LEVELS) {
  const [width, height, rate] = size
  test(`level of ${size.join(' × ')}`, () => assert.equal(vp9Level(width, height, rate), level))
}

const SUPERFRAMES = [
  { name: 'ordinary frame', payload: '86004092', frames: ['86004092'] },
  { name: 'two frames, one-byte sizes', payload: 'aabbcc dd c1 03 01 c1', frames: ['aabbcc', 'dd'] },
  { name: 'two-byte sizes', payload: 'aabb cc c9 0200 0100 c9', frames: ['aabb', 'cc'] },
  { name: 'a frame that happens to end like a marker', payload: '860040c1', frames: ['860040c1'] },
]
for (const { name, payload, frames } of SUPERFRAMES) {
  test(`superframe: ${name}`, () => assert.deepEqual(vp9Frames(hex(payload)), frames.map(hex)))
}

test('VP9 parsers throw typed errors only', () => {
  assert.throws(() => vp9Frames(hex('aa c1 03 01 c1')), { code: 'media/bitstream-invalid' })
  assert.throws(() => parseVpcC(hex('00 0b 22 02 02 02 0000'), 'vp9'), { code: 'media/configuration-invalid' })
  assertThrowsOnlyTapedeckErrors(
    (bytes) => parseVpcC(bytes, 'vp9'),
    STREAMS.map((vector) => hex(vector.vpcC)),
  )
  assertThrowsOnlyTapedeckErrors(
    parseVp9FrameHeader,
    STREAMS.map((vector) => hex(vector.keyFrame)),
  )
  assertThrowsOnlyTapedeckErrors(
    (bytes) => vp9FromKeyFrame(bytes, 0),
    STREAMS.map((vector) => hex(vector.keyFrame)),
  )
  assertThrowsOnlyTapedeckErrors(
    vp9Frames,
    SUPERFRAMES.map((vector) => hex(vector.payload)),
  )
})
