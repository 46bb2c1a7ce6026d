import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Double, formatJson, type Value } from './values.ts'

const CASES: readonly { name: string; value: Value; json: string }[] = [
  { name: 'members are sorted by name, upper case first', value: { b: 1, a: 2, B: 3 }, json: '{"B":3,"a":2,"b":1}' },
  { name: 'slashes are escaped', value: '../media/a "b"\n', json: String.raw`"..\/media\/a \"b\"\n"` },
  { name: 'doubles have four decimals', value: [new Double(1454380800000), 0.5], json: '[1454380800000.0000,0.5000]' },
  { name: 'numbers beyond 2^53 are exact', value: 5282249572905648128n, json: '5282249572905648128' },
  { name: 'booleans and null', value: [true, false, null], json: '[true,false,null]' },
  { name: 'nothing in it', value: [{}, []], json: '[{},[]]' },
  { name: 'other scripts stay as they are', value: 'Übertragung 1', json: '"Übertragung 1"' },
]

for (const { name, value, json } of CASES) {
  test(`JSON: ${name}`, () => assert.equal(formatJson(value), json))
}
