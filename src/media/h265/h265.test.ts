import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeVideoFormat } from '../format.ts'
import { joinLengthPrefixed } from '../nal/length-prefixed.ts'
import { buildHvcC, firstHevcUnit, hevcParameterSets, holdsHevcParameterSets, parseHvcC } from './hvcc.ts'
import { H265NalUnitType } from './nal-unit-type.ts'
import { isH265RandomAccess } from './random-access.ts'
import { parseH265Sps } from './sps.ts'
import { h265ToAnnexB } from './to-annex-b.ts'
import { H265_RECORDS } from './vectors.test-data.ts'
import { parseH265Vps } from './vps.ts'

for (const vector of H265_RECORDS) {
  test(`hvcC, VPS and SPS: ${vector.name}`, () => {
    const record = parseHvcC(hex(vector.hvcC))
    const spsUnit = firstHevcUnit(record, H265NalUnitType.sps)
    const vpsUnit = firstHevcUnit(record, H265NalUnitType.vps)
    assert.ok(spsUnit && vpsUnit)
    const sps = parseH265Sps(spsUnit)
    assert.equal(record.lengthSize, 4)
    assert.equal(sps.bitDepthLuma, vector.bitDepth)
    assert.equal(sps.profileTierLevel.profileIdc, vector.profileIdc)
    assert.equal(sps.profileTierLevel.levelIdc, vector.levelIdc)
    assert.equal(sps.maxReorderPictures, vector.maxReorderPictures)
    assert.deepEqual(record.profileTierLevel, sps.profileTierLevel)
    assert.deepEqual(parseH265Vps(vpsUnit).profileTierLevel, sps.profileTierLevel)
    const format = makeVideoFormat({ trackId: 1, codec: 'h265', timescale: 90_000, configuration: hex(vector.hvcC) })
    assert.deepEqual([format.widthPixels, format.heightPixels], vector.size)
    assert.deepEqual(format.color, vector.color)
    assert.equal(format.frameRateHint, vector.frameRate)
    assert.equal(codecString(format), vector.codecString)
    assert.ok(holdsHevcParameterSets(record))
  })

  test(`hvcC is rebuilt from its parameter sets: ${vector.name}`, () => {
    const units = hevcParameterSets(parseHvcC(hex(vector.hvcC)))
    const rebuilt = parseHvcC(buildHvcC(units.toReversed()))
    // x265's record sets no completeness flags; ours does, since we put in all we have.
    const expected = parseHvcC(hex(vector.hvcC))
    assert.deepEqual(rebuilt, { ...expected, arrays: expected.arrays.map((array) => ({ ...array, complete: true })) })
  })
}

test('tier, profile space and constraints of the codec string, ISO/IEC 14496-15 annex E.3', () => {
  const record = hex(H265_RECORDS[0].hvcC)
  record.set(hex('61 60000000 b00000000000 96'), 1) // profile space 1, high tier, profile 1, level 5.0
  const format = makeVideoFormat({ trackId: 1, codec: 'h265', timescale: 90_000, configuration: record })
  assert.equal(codecString(format), 'hvc1.A1.6.H150.B0')
})

test('a record without parameter sets is hev1', () => {
  const record = hex(`${H265_RECORDS[0].hvcC.slice(0, 44)}00`)
  const init = {
    trackId: 1,
    codec: 'h265',
    timescale: 90_000,
    configuration: record,
    widthPixels: 640,
    heightPixels: 360,
  }
  const format = makeVideoFormat({ ...init, codec: 'h265' })
  assert.equal(codecString(format), 'hev1.2.4.L60.90')
  assert.deepEqual([format.widthPixels, format.heightPixels], [640, 360])
})

const RANDOM_ACCESS = [
  { name: 'IDR_N_LP of x265', units: ['2801ac74'], expected: true },
  { name: 'CRA after SEI', units: ['4e0105', '2a01ac'], expected: true },
  { name: 'TRAIL_R', units: ['0201d021'], expected: false },
  { name: 'RASL after a delimiter', units: ['460150', '1201'], expected: false },
  { name: 'parameter sets alone', units: ['4001', '4201', '4401'], expected: false },
  { name: 'nothing', units: [], expected: false },
]
for (const { name, units, expected } of RANDOM_ACCESS) {
  test(`random access: ${name}`, () => {
    assert.equal(isH265RandomAccess(joinLengthPrefixed(units.map(hex)), 4), expected)
  })
}

test('to annex B: delimiter, parameter sets, slice', () => {
  const record = parseHvcC(hex(H265_RECORDS[0].hvcC))
  const slices = h265ToAnnexB(joinLengthPrefixed([hex('2801ac74')]), record, true)
  const units = [hex('460150'), ...hevcParameterSets(record), hex('2801ac74')]
  assert.deepEqual(
    slices,
    units.flatMap((unit) => [hex('00000001'), unit]),
  )
})

test('H.265 parsers throw typed errors only', () => {
  const records = H265_RECORDS.map((vector) => hex(vector.hvcC))
  const units = records.flatMap((record) => hevcParameterSets(parseHvcC(record)))
  assertThrowsOnlyTapedeckErrors(parseHvcC, records)
  assertThrowsOnlyTapedeckErrors(parseH265Sps, units)
  assertThrowsOnlyTapedeckErrors(parseH265Vps, units)
  assertThrowsOnlyTapedeckErrors((bytes) => buildHvcC([bytes]), units)
  assertThrowsOnlyTapedeckErrors(
    (bytes) => assert.equal(typeof isH265RandomAccess(bytes, 4), 'boolean'),
    [joinLengthPrefixed([hex('2801ac74')])],
  )
})
