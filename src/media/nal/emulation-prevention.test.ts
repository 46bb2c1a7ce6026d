import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex, toHex } from '#test/support/bytes.ts'
import { addEmulationPrevention, removeEmulationPrevention } from './emulation-prevention.ts'

const CASES = [
  { name: 'nothing to escape', rbsp: '0102 0000 04', nalUnit: '0102 0000 04' },
  { name: 'start code lookalike', rbsp: '000001', nalUnit: '00000301' },
  {
    name: 'each of the four bytes, H.264 §7.4.1',
    rbsp: '000000 ff 000001 ff 000002 ff 000003',
    nalUnit: '00000300 ff 00000301 ff 00000302 ff 00000303',
  },
  { name: 'cabac_zero_word at the end', rbsp: '800000', nalUnit: '80000003' },
]
for (const { name, rbsp, nalUnit } of CASES) {
  test(`emulation prevention: ${name}`, () => {
    assert.deepEqual(addEmulationPrevention(hex(rbsp)), hex(nalUnit))
    assert.deepEqual(removeEmulationPrevention(hex(nalUnit)), hex(rbsp))
  })
}

test('any bytes survive the way there and back, and hold no start code in between', () => {
  const bytes = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 255)).map((list) => Uint8Array.from(list))
  fc.assert(
    fc.property(bytes, (rbsp) => {
      const nalUnit = addEmulationPrevention(rbsp)
      assert.deepEqual(removeEmulationPrevention(nalUnit), rbsp)
      assert.doesNotMatch(toHex(nalUnit), /^(..)*0000(00|01|02)/)
    }),
  )
})

test('a unit without escapes is returned as it is, uncopied', () => {
  const nalUnit = hex('67420000')
  assert.equal(removeEmulationPrevention(nalUnit), nalUnit)
})

test('the input stays as it was, a Buffer too', () => {
  const nalUnit = Buffer.from('6700000301000003', 'hex')
  assert.deepEqual(new Uint8Array(removeEmulationPrevention(nalUnit)), hex('670000010000'))
  assert.equal(toHex(nalUnit), '6700000301000003')
})
