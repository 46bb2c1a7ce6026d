import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AmfError } from './amf-value.ts'
import { Amf3Reader } from './amf3.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const read = (text: string) => new Amf3Reader(hex(text)).read()

const CASES = [
  { name: 'integer of two bytes (§1.3.1)', bytes: '04 8148', value: 200 },
  { name: 'integer, negative', bytes: '04 ffffffff', value: -1 },
  { name: 'double', bytes: '05 3ff8000000000000', value: 1.5 },
  { name: 'string', bytes: '06 07 616263', value: 'abc' },
  { name: 'array, dense', bytes: '09 05 01 02 03', value: [false, true] },
  { name: 'array, named and dense', bytes: '09 03 03 61 04 05 01 03', value: { '0': true, a: 5 } },
  { name: 'object, sealed traits', bytes: '0a 13 01 03 61 02', value: { a: false } },
  { name: 'object, dynamic', bytes: '0a 0b 01 03 61 03 01', value: { a: true } },
  {
    name: 'two objects of one class',
    bytes: '09 05 01 0a 13 01 03 61 02 0a 01 03',
    value: [{ a: false }, { a: true }],
  },
  { name: 'object by reference', bytes: '09 05 01 0a 0b 01 01 0a 02', value: [{}, {}] },
  { name: 'vector of int', bytes: '0d 05 00 00000001 ffffffff', value: [1, -1] },
  { name: 'vector of double', bytes: '0f 03 00 3ff0000000000000', value: [1] },
  { name: 'vector of object', bytes: '10 03 00 01 04 07', value: [7] },
  { name: 'dictionary', bytes: '11 03 00 06 03 61 04 01', value: { a: 1 } },
]
for (const { name, bytes, value } of CASES) {
  test(`AMF3: ${name}`, () => assert.deepEqual(JSON.parse(JSON.stringify(read(bytes))), value))
}

test('AMF3: date and bytes', () => {
  assert.deepEqual(read('08 01 0000000000000000'), new Date(0))
  assert.deepEqual(read('0c 05 abcd'), hex('abcd'))
})

const FAULTS = [
  { name: 'externalizable class', bytes: '0a 07 01', fault: 'unknown-marker' },
  { name: 'absent string', bytes: '06 08', fault: 'bad-reference' },
  { name: 'absent traits', bytes: '0a 05', fault: 'bad-reference' },
  { name: 'vector longer than its bytes', bytes: '0d ffffffff 00', fault: 'truncated' },
  { name: 'array that contains itself', bytes: '09 03 01 09 00', fault: 'bad-reference' },
  { name: 'marker 18', bytes: '12', fault: 'unknown-marker' },
]
for (const { name, bytes, fault } of FAULTS) {
  test(`AMF3 refuses: ${name}`, () => {
    assert.throws(
      () => read(bytes),
      (error) => error instanceof AmfError && error.fault === fault,
    )
  })
}
