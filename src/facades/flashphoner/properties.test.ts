import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeProperties, parseProperties } from './properties.ts'

const read = (text: string) => Object.fromEntries(parseProperties(text))

const CASES: readonly (readonly [name: string, text: string, expected: Record<string, string>])[] = [
  ['the three separators', 'a=1\nb: 2\nc 3\n', { a: '1', b: '2', c: '3' }],
  ['white space around them', '  a  =  1  \n\tb\t:\t2', { a: '1  ', b: '2' }],
  ['only the first separator separates', 'a==1\nb=x=y:z', { a: '=1', b: 'x=y:z' }],
  ['no value, no separator', 'a=\nb', { a: '', b: '' }],
  ['comments and blank lines', '# a=1\n  ! b=2\n\n \t\nc=3 # kept', { c: '3 # kept' }],
  ['a continued line loses its indentation', 'a=1,\\\n   2,\\\n\t3', { a: '1,2,3' }],
  ['what continues a line is no comment', 'a=1\\\n#2\nb=3', { a: '1#2', b: '3' }],
  ['an escaped backslash does not continue', 'a=c:\\\\\nb=2', { a: 'c:\\', b: '2' }],
  ['a comment is not continued', '# a \\\nb=2', { b: '2' }],
  ['continued to the end of the file', 'a=1\\', { a: '1' }],
  ['Windows and old Macintosh line ends', 'a=1\r\nb=2\rc=3', { a: '1', b: '2', c: '3' }],
  ['escapes', 'a=\\t\\u00e4\\q\\:', { a: '\tä' + 'q:' }],
  ['escaped separators in a key', 'a\\=b\\ c\\:d=1', { 'a=b c:d': '1' }],
  ['a malformed escape stays', 'a=\\u12', { a: '\\u12' }],
  ['the last one wins', 'a=1\na=2', { a: '2' }],
]
for (const [name, text, expected] of CASES) {
  test(name, () => assert.deepEqual(read(text), expected))
}

test('bytes are UTF-8 when they can be, else ISO-8859-1', () => {
  assert.equal(decodeProperties(Buffer.from('\uFEFFa=ü')), 'a=ü')
  assert.equal(decodeProperties(Buffer.from('a=ü', 'latin1')), 'a=ü')
})

test('any text is read, and what was written as Java writes it comes back', () => {
  const escaped = (text: string) => [...text].map((each) => each.replace(/[^a-zA-Z0-9]/su, hex)).join('')
  const hex = (each: string) =>
    [...each.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  fc.assert(fc.property(fc.string(), (text) => void parseProperties(text)))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' }), (key, value) => {
      assert.deepEqual([...parseProperties(`${escaped(key)}=${escaped(value)}`)], [[key, value]])
    }),
  )
})
