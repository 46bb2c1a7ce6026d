import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hex } from '#test/support/bytes.ts'
import { date, element, float, largeHeader, sizeBytes, text, uint, uint64, voidHeader, writeVint } from './ebml.ts'
import { readElements, readHeader, readUint } from './ebml-reader.ts'
import { Id } from './ids.ts'

test('elements as RFC 8794 writes them', () => {
  assert.deepEqual(text(Id.docType, 'webm'), hex('4282 84 7765626d'))
  assert.deepEqual(uint(Id.trackNumber, 0), hex('d7 81 00'))
  assert.deepEqual(uint(Id.timestampScale, 1_000_000), hex('2ad7b1 83 0f4240'))
  assert.deepEqual(uint64(Id.seekPosition, 300), hex('53ac 88 000000000000012c'))
  assert.deepEqual(float(Id.duration, 1.5), hex('4489 88 3ff8000000000000'))
  assert.deepEqual(date(Id.dateUtc, Date.UTC(2001, 0, 1, 0, 0, 1)), hex('4461 88 000000003b9aca00'))
  assert.deepEqual(largeHeader(Id.segment, undefined), hex('18538067 01ffffffffffffff'))
  assert.deepEqual(voidHeader(256), hex('ec 01000000000000f7'))
})

test('sizes: each length holds all but the largest value, which means unknown', () => {
  for (const [contentBytes, bytes] of [
    [0, 1],
    [126, 1],
    [127, 2],
    [16_382, 2],
    [16_383, 3],
    [2 ** 28 - 2, 4],
    [2 ** 28 - 1, 5],
  ] as const) {
    assert.equal(sizeBytes(contentBytes), bytes)
  }
  fc.assert(
    fc.property(fc.nat(2 ** 52), fc.integer({ min: 0, max: 1 }), (size, longer) => {
      const length = Math.min(8, sizeBytes(size) + longer)
      const bytes = new Uint8Array(1 + length)
      bytes[0] = Id.void
      assert.equal(writeVint(bytes, 1, size, length), bytes.length)
      assert.deepEqual(readHeader(bytes, 0), { id: Id.void, contentAt: bytes.length, contentBytes: size })
    }),
  )
})

test('elements read back, up to the first that is not whole', () => {
  const id = fc.constantFrom(...Object.values(Id))
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.uint8Array({ maxLength: 300 }))), fc.nat(), (items, cut) => {
      const bytes = Buffer.concat(items.map(([itemId, content]) => element(itemId, content)))
      const read = [...readElements(bytes)].map(({ id: readId, content }) => [readId, Uint8Array.from(content)])
      assert.deepEqual(read, items)
      const torn = bytes.subarray(0, cut % (bytes.length + 1))
      const whole = [...readElements(torn)].reduce((sum, { bytes: { length } }) => sum + length, 0)
      assert.ok(whole <= torn.length)
    }),
  )
  fc.assert(
    fc.property(fc.nat(2 ** 40), (value) => {
      const [read] = readElements(uint(Id.cueTime, value))
      assert.equal(read === undefined ? undefined : readUint(read.content), value)
    }),
  )
})

test('arbitrary bytes are read without a throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => [...readElements(bytes)].length <= 100))
})
