import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { codecString } from '../codec-string.ts'
import { makeVideoFormat } from '../format.ts'
import { buildAv1C, parseAv1C } from './av1c.ts'
import { leb128, readLeb128 } from './leb128.ts'
import { canonicalTemporalUnit, ObuType, obus } from './obu.ts'
import { isAv1RandomAccess } from './random-access.ts'
import { parseAv1SequenceHeader } from './sequence-header.ts'

/** av1C bodies with what ffprobe 5.1 says of the stream, `ffmpeg -f lavfi -i testsrc2=s=318x178 …`. */
const RECORDS = [
  { name: 'libaom, 8 bits', av1C: '81000c000a0b000000043cf6c4daf90040', bitDepth: 8, codecString: 'av01.0.00M.08' },
  { name: 'SVT-AV1, 10 bits', av1C: '81004c000a0b000000043cf6c402f84040', bitDepth: 10, codecString: 'av01.0.00M.10' },
] as const

for (const vector of RECORDS) {
  test(`av1C: ${vector.name}`, () => {
    const record = parseAv1C(hex(vector.av1C))
    assert.equal(record.bitDepth, vector.bitDepth)
    assert.equal(record.sequenceHeader?.bitDepth, vector.bitDepth)
    const format = makeVideoFormat({ trackId: 1, codec: 'av1', timescale: 90_000, configuration: hex(vector.av1C) })
    assert.deepEqual([format.widthPixels, format.heightPixels], [318, 178])
    assert.equal(codecString(format), vector.codecString)
    assert.deepEqual(buildAv1C(hex(vector.av1C).subarray(4)), hex(vector.av1C))
  })
}

test('level and tier in the codec string', () => {
  const format = makeVideoFormat({ trackId: 1, codec: 'av1', timescale: 90_000, configuration: hex('812dcc00') })
  assert.equal(codecString(format), 'av01.1.13H.10')
  assert.equal(format.widthPixels, 0)
})

// AV1 specification §4.10.5; the padded form is legal.
const LEB128 = [
  { bytes: '00', value: 0 },
  { bytes: '7f', value: 127 },
  { bytes: '8001', value: 128 },
  { bytes: 'e58e26', value: 624_485 },
  { bytes: 'ffffffff0f', value: 0xffff_ffff },
]
for (const { bytes, value } of LEB128) {
  test(`leb128 ${bytes} is ${value}`, () => {
    assert.deepEqual(readLeb128(hex(bytes), 0), { value, end: bytes.length / 2 })
    assert.deepEqual(leb128(value), hex(bytes))
  })
}

test('leb128 of any length reads back; overlong values throw', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), (value) => assert.equal(readLeb128(leb128(value), 0).value, value)),
  )
  assert.deepEqual(readLeb128(hex('ff 8080 00'), 1), { value: 0, end: 4 })
  assert.throws(() => readLeb128(hex('ffffffff1f'), 0), { reason: /32 bits/ })
  assert.throws(() => readLeb128(hex('808080808080808000'), 0), { reason: /8 bytes/ })
  assert.throws(() => readLeb128(hex('80'), 0), { reason: /ends early/ })
})

const SEQUENCE_HEADER = '0a0b000000043cf6c4daf90040'
const KEY_FRAME = '3204 10008400'
const INTER_FRAME = '3203 300380'
const UNITS = [
  { name: 'canonical already', bytes: `${SEQUENCE_HEADER} ${KEY_FRAME}`, canonical: `${SEQUENCE_HEADER} ${KEY_FRAME}` },
  { name: 'temporal delimiter first', bytes: `1200 ${INTER_FRAME}`, canonical: INTER_FRAME },
  {
    name: 'temporal delimiter in between',
    bytes: `${INTER_FRAME} 1200 ${INTER_FRAME}`,
    canonical: `${INTER_FRAME} ${INTER_FRAME}`,
  },
  {
    name: 'last OBU without size',
    bytes: `1200 ${SEQUENCE_HEADER} 30 100084`,
    canonical: `${SEQUENCE_HEADER} 3203 100084`,
  },
  { name: 'last OBU with extension, without size', bytes: '3420 100084', canonical: '362003 100084' },
  { name: 'delimiter alone', bytes: '1200', canonical: '' },
]
for (const { name, bytes, canonical } of UNITS) {
  test(`canonical temporal unit: ${name}`, () => assert.deepEqual(canonicalTemporalUnit(hex(bytes)), hex(canonical)))
}

test('a canonical unit is not copied', () => {
  const bytes = hex(`1200 ${KEY_FRAME}`)
  assert.equal(canonicalTemporalUnit(bytes).buffer, bytes.buffer)
})

test('OBU layers come from the extension', () => {
  const [obu] = obus(hex('36 48 01 ff'))
  assert.deepEqual([obu?.type, obu?.temporalId, obu?.spatialId], [ObuType.frame, 2, 1])
})

const RANDOM_ACCESS = [
  { name: 'sequence header and shown key frame', bytes: `${SEQUENCE_HEADER} ${KEY_FRAME}`, expected: true },
  { name: 'with a temporal delimiter', bytes: `1200 ${SEQUENCE_HEADER} ${KEY_FRAME}`, expected: true },
  { name: 'key frame without sequence header', bytes: KEY_FRAME, expected: false },
  { name: 'forward key frame, not shown', bytes: `${SEQUENCE_HEADER} 3201 00`, expected: false },
  { name: 'inter frame', bytes: INTER_FRAME, expected: false },
  { name: 'show_existing_frame of SVT-AV1', bytes: '1a01d8', expected: false },
  { name: 'not AV1', bytes: 'ffff', expected: false },
]
for (const { name, bytes, expected } of RANDOM_ACCESS) {
  test(`random access: ${name}`, () => assert.equal(isAv1RandomAccess(hex(bytes)), expected))
}

test('AV1 parsers throw typed errors only', () => {
  const records = RECORDS.map((vector) => hex(vector.av1C))
  assertThrowsOnlyTapedeckErrors(parseAv1C, records)
  assertThrowsOnlyTapedeckErrors(buildAv1C, [hex(SEQUENCE_HEADER)])
  assertThrowsOnlyTapedeckErrors(parseAv1SequenceHeader, [hex(SEQUENCE_HEADER).subarray(2)])
  assertThrowsOnlyTapedeckErrors(
    (bytes) => {
      const canonical = canonicalTemporalUnit(bytes)
      assert.deepEqual(canonicalTemporalUnit(canonical), canonical)
    },
    UNITS.map((unit) => hex(unit.bytes)),
  )
})
