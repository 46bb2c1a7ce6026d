import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex } from '#test/support/bytes.ts'
import { BitReader, BitWriter } from './bits.ts'
import { BitstreamError } from './errors.ts'

test('fields of any width read back as they were written', () => {
  const field = fc
    .integer({ min: 0, max: 32 })
    .chain((bits) => fc.tuple(fc.constant(bits), fc.nat({ max: 2 ** Math.min(bits, 31) - 1 })))
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const writer = new BitWriter()
      for (const [bits, value] of fields) writer.u(bits, value)
      const reader = new BitReader(writer.bytes(), 'test')
      for (const [bits, value] of fields) assert.equal(reader.u(bits), value)
      assert.ok(reader.remainingBits < 8)
    }),
  )
})

test('all 32 bits of a field are kept', () => {
  assert.equal(new BitReader(hex('ffffffff'), 'test').u(32), 0xffff_ffff)
  assert.deepEqual(new BitWriter().u(32, 0xdead_beef).bytes(), hex('deadbeef'))
})

// ITU-T H.264 table 9-2 and table 9-3.
const EXP_GOLOMB = [
  { bits: '80', ue: 0, se: 0 },
  { bits: '40', ue: 1, se: 1 },
  { bits: '60', ue: 2, se: -1 },
  { bits: '20', ue: 3, se: 2 },
  { bits: '28', ue: 4, se: -2 },
  { bits: '38', ue: 6, se: -3 },
  { bits: '10', ue: 7, se: 4 },
  { bits: '0000000080000000 00', ue: 2 ** 32 - 1, se: 2 ** 31 },
]
for (const { bits, ue, se } of EXP_GOLOMB) {
  test(`Exp-Golomb ${bits} is ${ue} and ${se}`, () => {
    assert.equal(new BitReader(hex(bits), 'test').ue(), ue)
    assert.equal(new BitReader(hex(bits), 'test').se(), se)
  })
}

test('reading past the end, and endless Exp-Golomb codes, throw', () => {
  const ends = { code: 'media/bitstream-invalid', reason: 'ends early' }
  assert.throws(() => new BitReader(hex('ff'), 'test').u(9), ends)
  assert.throws(() => new BitReader(hex('ff'), 'test').skip(9), ends)
  assert.throws(() => new BitReader(hex('00'), 'test').ue(), ends)
  assert.throws(() => new BitReader(new Uint8Array(9), 'test').ue(), BitstreamError)
  assert.throws(() => new BitReader(hex('20'), 'test').ueUpTo(2, 'x'), { reason: 'has x 3, more than 2' })
})
