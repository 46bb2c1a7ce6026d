import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ifRangeHolds, isNotModified, parseRange } from './byte-range.ts'

const SIZE_BYTES = 10_000

const CASES = [
  { name: 'no header', header: undefined, range: 'whole' },
  { name: 'RFC 9110 §14.1.2, first 500 bytes', header: 'bytes=0-499', range: { first: 0, last: 499 } },
  { name: 'RFC 9110 §14.1.2, second 500 bytes', header: 'bytes=500-999', range: { first: 500, last: 999 } },
  { name: 'RFC 9110 §14.1.2, final 500 bytes by suffix', header: 'bytes=-500', range: { first: 9500, last: 9999 } },
  { name: 'RFC 9110 §14.1.2, final 500 bytes by start', header: 'bytes=9500-', range: { first: 9500, last: 9999 } },
  { name: 'what Chromium asks first', header: 'bytes=0-', range: { first: 0, last: 9999 } },
  { name: 'longer than the file', header: 'bytes=9990-20000', range: { first: 9990, last: 9999 } },
  { name: 'a suffix longer than the file', header: 'bytes=-20000', range: { first: 0, last: 9999 } },
  { name: 'several ranges', header: 'bytes=0-0,-1', range: 'whole' },
  { name: 'another unit', header: 'items=0-5', range: 'whole' },
  { name: 'backwards', header: 'bytes=9-5', range: 'whole' },
  { name: 'nothing', header: 'bytes=-', range: 'whole' },
  { name: 'an empty suffix', header: 'bytes=-0', range: 'unsatisfiable' },
  { name: 'behind the end', header: 'bytes=10000-', range: 'unsatisfiable' },
] as const

for (const { name, header, range } of CASES) {
  test(`Range: ${name}`, () => assert.deepEqual(parseRange(header, SIZE_BYTES), range))
}

test('Range: whatever is asked, the answer lies in the file', () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(), fc.nat()).map(([first, last]) => `bytes=${first}-${last}`),
    fc.string().map((text) => `bytes=${text}`),
  )
  fc.assert(
    fc.property(header, fc.nat(), (text, sizeBytes) => {
      const range = parseRange(text, sizeBytes)
      if (typeof range === 'string') return
      assert.ok(0 <= range.first && range.first <= range.last && range.last < sizeBytes)
    }),
  )
})

test('If-Range and If-None-Match compare what identifies the bytes', () => {
  const validators = { etag: '"a-1"', lastModified: 'Fri, 20 Nov 2026 06:41:05 GMT' }
  assert.equal(ifRangeHolds(undefined, undefined), true)
  assert.equal(ifRangeHolds('"a-1"', validators), true)
  assert.equal(ifRangeHolds('W/"a-1"', validators), false)
  assert.equal(ifRangeHolds(validators.lastModified, validators), true)
  assert.equal(ifRangeHolds('Fri, 20 Nov 2026 06:41:06 GMT', validators), false)
  assert.equal(ifRangeHolds('"a-1"', undefined), false)
  assert.equal(isNotModified({ 'if-none-match': '"x", W/"a-1"' }, validators), true)
  assert.equal(
    isNotModified({ 'if-none-match': '"x"', 'if-modified-since': validators.lastModified }, validators),
    false,
  )
  assert.equal(isNotModified({ 'if-modified-since': validators.lastModified }, validators), true)
  assert.equal(isNotModified({ 'if-modified-since': 'Fri, 20 Nov 2026 06:41:04 GMT' }, validators), false)
  assert.equal(isNotModified({ 'if-modified-since': 'yesterday' }, validators), false)
  assert.equal(isNotModified({ 'if-none-match': '*' }, undefined), false)
})
