import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineSplitter } from './line-splitter.ts'

test('lines end with CR, LF or both, wherever the pieces are cut', () => {
  const line = fc.stringMatching(/^[a-zA-Z= ü]{1,40}$/)
  const end = fc.constantFrom('\r', '\n', '\r\n', '\n\r', '\r\n\r\n')
  fc.assert(
    fc.property(fc.array(fc.tuple(line, end)), fc.integer({ min: 1, max: 9 }), (sent, pieceBytes) => {
      const bytes = Buffer.from(sent.map((each) => each.join('')).join(''))
      const splitter = new LineSplitter(1000)
      const lines: string[] = []
      for (let at = 0; at < bytes.length; at += pieceBytes)
        lines.push(...splitter.push(bytes.subarray(at, at + pieceBytes)))
      assert.deepEqual(
        lines,
        sent.map(([text]) => text),
      )
    }),
  )
})

test('a line that is too long stops it, ended or not', () => {
  for (const text of [`${'x'.repeat(100)}\nversion\n`, 'x'.repeat(100)]) {
    const splitter = new LineSplitter(100)
    assert.deepEqual(splitter.push(Buffer.from(text)), [])
    assert.equal(splitter.isTooLong, true)
    assert.deepEqual(splitter.push(Buffer.from('version\n')), [])
  }
  const splitter = new LineSplitter(100)
  assert.equal(splitter.push(Buffer.from(`${'x'.repeat(99)}\n`)).length, 1)
})
