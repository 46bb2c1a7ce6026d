import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertThrowsOnlyTapedeckErrors, hex } from '#test/support/bytes.ts'
import { concatBytes } from '../bytes.ts'
import { annexBUnits } from './annex-b.ts'
import { joinLengthPrefixed, lengthPrefixedUnits } from './length-prefixed.ts'

const CASES = [
  { name: 'both lengths of start code', bytes: '00000001 6742 000001 68ce', units: ['6742', '68ce'] },
  {
    name: 'zeros before, between and after, annex B.2',
    bytes: '0000000000 01 65aa 0000000000 01 06 0000',
    units: ['65aa', '06'],
  },
  { name: 'a leading piece without start code', bytes: 'aabb 000001 65', units: ['65'] },
  { name: 'a start code with nothing after it', bytes: '000001 65 000001', units: ['65'] },
  { name: 'no start code', bytes: '6742', units: [] },
  { name: 'nothing', bytes: '', units: [] },
  { name: 'ones inside a unit', bytes: '000001 01010001', units: ['01010001'] },
]
for (const { name, bytes, units } of CASES) {
  test(`annex B: ${name}`, () => assert.deepEqual([...annexBUnits(hex(bytes))], units.map(hex)))
}

// A NAL unit neither contains 00 00 01 nor ends in zero (its RBSP ends in a stop bit).
const nalUnits = fc.array(
  fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 20 }).map((list) => Uint8Array.from(list)),
)

test('units survive both forms', () => {
  fc.assert(
    fc.property(nalUnits, (units) => {
      const stream = concatBytes(units.flatMap((unit) => [hex('00000001'), unit]))
      assert.deepEqual([...annexBUnits(stream)], units)
      assert.deepEqual([...lengthPrefixedUnits(joinLengthPrefixed(units), 4)], units)
    }),
  )
})

test('length prefixes of 1 and 2 bytes, empty units skipped', () => {
  assert.deepEqual([...lengthPrefixedUnits(hex('02 6742 00 01 68'), 1)], ['6742', '68'].map(hex))
  assert.deepEqual([...lengthPrefixedUnits(hex('0002 6742 0000 0001 68'), 2)], ['6742', '68'].map(hex))
})

test('a length beyond the end is a typed error', () => {
  assert.throws(() => [...lengthPrefixedUnits(hex('00000005 65'), 4)], { code: 'media/bitstream-invalid' })
  assert.throws(() => [...lengthPrefixedUnits(hex('000000'), 4)], { code: 'media/bitstream-invalid' })
  assertThrowsOnlyTapedeckErrors((bytes) => [...lengthPrefixedUnits(bytes, 4)], [hex('00000002 6742 00000001 68')])
})
