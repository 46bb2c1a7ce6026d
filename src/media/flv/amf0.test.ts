import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TapedeckError } from '#base/error.ts'
import { AmfError } from './amf-value.ts'
import { AmfEcmaArray, type AmfEncodable, decodeAmf0, encodeAmf0 } from './amf0.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

const CASES = [
  { name: 'number (§2.2)', bytes: '00 3ff0000000000000', value: 1 },
  { name: 'boolean (§2.3)', bytes: '01 01', value: true },
  { name: 'string (§2.4)', bytes: '02 0003 616263', value: 'abc' },
  { name: 'object (§2.5)', bytes: '03 0001 61 01 00 0000 09', value: { a: false } },
  { name: 'null (§2.7)', bytes: '05', value: null },
  { name: 'ECMA array with a wrong count (§2.10)', bytes: '08 0000ffff 0001 61 05 0000 09', value: { a: null } },
  { name: 'strict array (§2.12)', bytes: '0a 00000002 05 01 01', value: [null, true] },
  { name: 'long string (§2.14)', bytes: '0c 00000002 6869', value: 'hi' },
  { name: 'typed object (§2.18)', bytes: '10 0001 43 0001 61 05 0000 09', value: { a: null } },
  { name: 'reference (§2.9)', bytes: '0a 00000002 0a 00000000 07 0001', value: [[], []] },
  {
    name: 'switch to AMF3 (§3.1): array with one string twice',
    bytes: '11 09 05 01 06 05 6869 06 00',
    value: ['hi', 'hi'],
  },
  { name: 'object without its end marker, as some encoders send', bytes: '03 0001 61 05', value: { a: null } },
]
for (const { name, bytes, value } of CASES) {
  test(`AMF0: ${name}`, () => assert.deepEqual(plain(decodeAmf0(hex(bytes))), [value]))
}

test('AMF0: undefined, unsupported and date', () => {
  const values = decodeAmf0(hex('06 0d 0b 0000000000000000 0000'))
  assert.deepEqual(values, [undefined, undefined, new Date(0)])
})

const FAULTS = [
  { name: 'truncated string', bytes: '02 0009 61', fault: 'truncated' },
  { name: '20,000 nested objects', bytes: '03 0001 61 '.repeat(20_000), fault: 'too-deep' },
  { name: 'four thousand million array values', bytes: '0a ffffffff', fault: 'truncated' },
  { name: 'movieclip, reserved', bytes: '04', fault: 'unknown-marker' },
  { name: 'array that contains itself', bytes: '0a 00000001 07 0000', fault: 'bad-reference' },
  { name: 'reference to nothing', bytes: '07 0005', fault: 'bad-reference' },
]
for (const { name, bytes, fault } of FAULTS) {
  test(`AMF0 refuses: ${name}`, () => {
    assert.throws(
      () => decodeAmf0(hex(bytes)),
      (error) => error instanceof AmfError && error.fault === fault,
    )
  })
}

test('AMF0 refuses references that double sixty times over', () => {
  const levels = Array.from(
    { length: 60 },
    (_, i) => `0a 00000002 07 ${(i + 1).toString(16).padStart(4, '0')} 07 ${(i + 1).toString(16).padStart(4, '0')}`,
  )
  const bytes = hex(`0a 0000003d 0a 00000000 ${levels.join(' ')}`)
  assert.throws(
    () => decodeAmf0(bytes),
    (error) => error instanceof AmfError && error.fault === 'too-many-values',
  )
})

test('AMF0 keeps __proto__ an ordinary key', () => {
  const [value] = decodeAmf0(encodeAmf0(JSON.parse('{"__proto__":{"polluted":true}}')))
  assert.equal(JSON.stringify(value), '{"__proto__":{"polluted":true}}')
  assert.equal('polluted' in {}, false)
})

test('AMF0: AmfEcmaArray is written with marker 8 and its count', () => {
  assert.deepEqual(encodeAmf0(new AmfEcmaArray({ a: null })), hex('08 00000001 0001 61 05 0000 09'))
})

const { value: anyValue } = fc.letrec<{ value: AmfEncodable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie('value'), { maxKeys: 4, noNullPrototype: false }),
  ),
}))

test('AMF0: what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(anyValue, { maxLength: 4 }), (values) => {
      assert.deepEqual(plain(decodeAmf0(encodeAmf0(...values))), plain(values))
    }),
  )
})

test('AMF0: arbitrary bytes only ever give AmfError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 3, 8, 10, 17), (bytes, marker) => {
      try {
        decodeAmf0(Uint8Array.of(marker, ...bytes))
      } catch (error) {
        assert.ok(error instanceof TapedeckError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('values longer than the first buffer, at every alignment', () => {
  for (let length = 230; length < 260; length++) {
    const values = ['x'.repeat(length), 1.5, { b: true, list: [1, 2] }]
    assert.deepEqual(JSON.parse(JSON.stringify(decodeAmf0(encodeAmf0(...values)))), values)
  }
})
