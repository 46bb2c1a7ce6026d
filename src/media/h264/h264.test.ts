import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeVideoFormat } from '../format.ts'
import { joinLengthPrefixed } from '../nal/length-prefixed.ts'
import { buildAvcC, parseAvcC } from './avcc.ts'
import { isH264RandomAccess } from './random-access.ts'
import { parseH264Sps } from './sps.ts'
import { h264ToAnnexB } from './to-annex-b.ts'
import { H264_RECORDS } from './vectors.test-data.ts'

for (const vector of H264_RECORDS) {
  test(`avcC and SPS: ${vector.name}`, () => {
    const record = parseAvcC(hex(vector.avcC))
    const [spsUnit] = record.sps
    assert.ok(spsUnit)
    const sps = parseH264Sps(spsUnit)
    assert.equal(record.lengthSize, 4)
    assert.deepEqual([sps.profileIdc, sps.levelIdc], [vector.profileIdc, vector.levelIdc])
    assert.equal(sps.bitDepthLuma, vector.bitDepth)
    assert.equal(sps.interlaced, vector.interlaced)
    assert.equal(sps.maxReorderPictures, vector.maxReorderPictures)
    const format = makeVideoFormat({ trackId: 1, codec: 'h264', timescale: 90_000, configuration: hex(vector.avcC) })
    assert.deepEqual([format.widthPixels, format.heightPixels], vector.size)
    assert.deepEqual(format.pixelAspect, vector.pixelAspect)
    assert.deepEqual(format.color, vector.color)
    assert.equal(format.frameRateHint, vector.frameRate)
    assert.equal(codecString(format), vector.codecString)
  })

  test(`avcC is rebuilt from its parameter sets: ${vector.name}`, () => {
    const record = parseAvcC(hex(vector.avcC))
    const [first, ...more] = record.sps
    assert.ok(first)
    assert.deepEqual(buildAvcC([first, ...more], record.pps), hex(vector.avcC))
  })
}

test('the high profile extension is written and read', () => {
  const sps = hex('6764000cacd94141 9f9f0110 00000300 10000003 0320f142 9960'.replaceAll(' ', ''))
  const record = buildAvcC([sps], [hex('68ebe3cb22c0')], [hex('6d00')])
  const parsed = parseAvcC(record)
  assert.equal(parsed.profileIdc, 100)
  assert.deepEqual(parsed.spsExtensions, [hex('6d00')])
  // Left out by many encoders although the profile demands it.
  const withoutExtension = record.subarray(0, record.length - 8)
  assert.deepEqual(parseAvcC(withoutExtension).pps, [hex('68ebe3cb22c0')])
})

const MALFORMED = [
  { name: 'version 0', avcC: '004d400cffe100', reason: /version 0/ },
  { name: 'three-byte lengths', avcC: '014d400cfee100', reason: /3-byte/ },
  { name: 'SPS cut off', avcC: '014d400cffe10021674d', reason: /ends early/ },
  { name: 'SPS that is a PPS', avcC: '014d400cffe1000468ce0fc800', reason: /H.264 SPS/ },
]
for (const { name, avcC, reason } of MALFORMED) {
  test(`avcC is refused: ${name}`, () => {
    const init = { trackId: 1, codec: 'h264', timescale: 90_000, configuration: hex(avcC) } as const
    assert.throws(() => makeVideoFormat(init), { code: 'media/configuration-invalid', codec: 'h264', reason })
  })
}

const SEI_USER_DATA = hex('0605 04 dc45e9bd 80')
const SEI_RECOVERY_NOW = hex('060601c480') // open GOP of x264
const SEI_RECOVERY_LATER = hex('0606012480') // recovery_frame_cnt 3: a gradual refresh
const RANDOM_ACCESS = [
  { name: 'IDR after SEI', units: [SEI_USER_DATA, hex('65888400')], expected: true },
  { name: 'recovery point, open GOP', units: [SEI_RECOVERY_NOW, hex('4188ba83')], expected: true },
  { name: 'recovery point after other SEI', units: [hex('0605 01dc 0601c480'), hex('4188ba83')], expected: true },
  { name: 'recovery point three pictures later', units: [SEI_RECOVERY_LATER, hex('4188ba83')], expected: false },
  { name: 'P slice', units: [hex('419a2306')], expected: false },
  { name: 'parameter sets alone', units: [hex('6742c00d'), hex('68ce')], expected: false },
  { name: 'nothing', units: [], expected: false },
]
for (const { name, units, expected } of RANDOM_ACCESS) {
  test(`random access: ${name}`, () => assert.equal(isH264RandomAccess(joinLengthPrefixed(units), 4), expected))
}

test('a payload that is not H.264 is no random access point', () => {
  assert.equal(isH264RandomAccess(hex('ffffffff00'), 4), false)
  assertThrowsOnlyTapedeckErrors(
    (bytes) => assert.equal(typeof isH264RandomAccess(bytes, 4), 'boolean'),
    [joinLengthPrefixed([SEI_RECOVERY_NOW, hex('4188ba83')])],
  )
})

const CONFIGURATION = parseAvcC(hex(H264_RECORDS[0].avcC))
const [SPS, PPS] = [H264_RECORDS[0].avcC.slice(16, 82), '68ce0fc8']
const ANNEX_B = [
  {
    name: 'delimiter and parameter sets before IDR',
    units: ['6588'],
    random: true,
    stream: ['09f0', SPS, PPS, '6588'],
  },
  { name: 'delimiter only before others', units: ['0605', '419a'], random: false, stream: ['09f0', '0605', '419a'] },
  { name: 'the payload’s own delimiter', units: ['0910', '419a'], random: false, stream: ['0910', '419a'] },
  {
    name: 'the payload’s own SPS',
    units: ['67aa', '68bb', '6588'],
    random: true,
    stream: ['09f0', '67aa', '68bb', '6588'],
  },
]
for (const { name, units, random, stream } of ANNEX_B) {
  test(`to annex B: ${name}`, () => {
    const slices = h264ToAnnexB(joinLengthPrefixed(units.map(hex)), CONFIGURATION, random)
    assert.deepEqual(
      slices,
      stream.flatMap((unit) => [hex('00000001'), hex(unit)]),
    )
  })
}

test('H.264 parsers throw typed errors only', () => {
  const records = H264_RECORDS.map((vector) => hex(vector.avcC))
  assertThrowsOnlyTapedeckErrors(parseAvcC, records)
  assertThrowsOnlyTapedeckErrors(
    parseH264Sps,
    records.flatMap((record) => parseAvcC(record).sps),
  )
})
