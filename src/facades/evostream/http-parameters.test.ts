import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeQuery } from './http-parameters.ts'

const SEED = 'localStreamName=testpullstream pathtofile=../media/testRecord type=mp4 overwrite=1'
const SEED_PARAMETERS = {
  localStreamName: 'testpullstream',
  pathtofile: '../media/testRecord',
  type: 'mp4',
  overwrite: '1',
}
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Base64 with all three special characters: a value of `?>~` gives `+`, `/` and padding. */
const SPECIAL = 'a=?>~>>?~?'

const CASES: readonly { name: string; query: string; parameters: Record<string, unknown> }[] = [
  { name: 'as documented', query: `params=${base64(SEED)}`, parameters: SEED_PARAMETERS },
  { name: 'escaped', query: `params=${encodeURIComponent(base64(SEED))}`, parameters: SEED_PARAMETERS },
  { name: 'without padding', query: `params=${base64(SEED).replaceAll('=', '')}`, parameters: SEED_PARAMETERS },
  { name: 'with a stray parenthesis after it', query: `params=${base64(SEED)})`, parameters: SEED_PARAMETERS },
  { name: 'under any name', query: `whatever=${base64(SEED)}`, parameters: SEED_PARAMETERS },
  { name: 'the first name by alphabet counts', query: `z=1&b=${base64(SEED)}`, parameters: SEED_PARAMETERS },
  { name: 'raw + and /', query: `params=${base64(SPECIAL)}`, parameters: { a: '?>~>>?~?' } },
  {
    name: '+ turned into a blank',
    query: `params=${base64(SPECIAL).replaceAll('+', '%20')}`,
    parameters: { a: '?>~>>?~?' },
  },
  {
    name: 'URL-safe alphabet',
    query: `params=${base64(SPECIAL).replaceAll('+', '-').replaceAll('/', '_')}`,
    parameters: { a: '?>~>>?~?' },
  },
  { name: 'escapes within', query: `params=${base64('pathToFile=a\\ b')}`, parameters: { pathToFile: 'a b' } },
  {
    name: 'plain',
    query: 'localStreamName=test&pathToFile=%2Fmedia%2Fa+b',
    parameters: { localStreamName: 'test', pathToFile: '/media/a b' },
  },
  { name: 'rubbish', query: 'params=%E0%A4%A', parameters: { params: '%E0%A4%A' } },
]

for (const { name, query, parameters } of CASES) {
  test(`HTTP parameters: ${name}`, () => {
    assert.deepEqual(Object.fromEntries(decodeQuery(query) ?? []), parameters)
  })
}

test('the test text has what it is about', () => assert.match(base64(SPECIAL), /\+.*\/|\/.*\+/))

test('no query is no parameters', () => assert.equal(decodeQuery(''), undefined))

test('no query is too strange, and base64 survives whatever is in it', () => {
  const strange = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[%&=+A-Za-z0-9/]*$/))
  fc.assert(fc.property(strange, (query) => void decodeQuery(query)))
  const value = fc.string({ minLength: 1 }).map((text) => text.replace(/[ =,\\\s]/g, '_'))
  fc.assert(
    fc.property(value, (text) => {
      const query = `params=${encodeURIComponent(base64(`name=${text} other=1`))}`
      assert.deepEqual(
        [...(decodeQuery(query) ?? [])],
        [
          ['name', text],
          ['other', '1'],
        ],
      )
    }),
  )
})
