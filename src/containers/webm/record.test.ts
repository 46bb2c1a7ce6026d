import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { VOID_HEADER_BYTES } from './ebml.ts'
import { type CuePoint, decodeRecord, encodeRecord, MAX_LEVEL, type Record } from './record.ts'
import { RecordKeeper } from './record-keeper.ts'
import { allCuePoints } from './tail.ts'

const plain = { noNullPrototype: true }
const totals = fc.record(
  {
    accessUnits: fc.nat(),
    payloadBytes: fc.maxSafeNat(),
    firstPts: fc.double({ min: -1e9, max: 1e12, noNaN: true }),
    lastPts: fc.double({ min: -1e9, max: 1e12, noNaN: true }),
    lastDts: fc.double({ min: -1e9, max: 1e12, noNaN: true }),
    lastTicks: fc.double({ min: 0, max: 1e6, noNaN: true }),
  },
  plain,
)
const track = fc.record({ number: fc.nat(0xffff), trackId: fc.nat(0xffff), totals }, plain)
const cuePoint = fc.record(
  {
    timeMs: fc.maxSafeNat(),
    trackNumber: fc.nat(0xffff),
    clusterAt: fc.maxSafeNat(),
    relativePosition: fc.nat(),
  },
  plain,
)
const record: fc.Arbitrary<Record> = fc.record(
  {
    position: fc.maxSafeNat(),
    level: fc.nat(MAX_LEVEL),
    previousAt: fc.maxSafeNat(),
    tracks: fc.array(track),
    cuePoints: fc.array(cuePoint),
  },
  plain,
)

test('record: what is written reads back, only where it was written, only unchanged', () => {
  fc.assert(
    fc.property(record, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
      const content = encodeRecord(value).subarray(VOID_HEADER_BYTES)
      assert.deepEqual(decodeRecord(content, value.position), value)
      assert.equal(decodeRecord(content, value.position + 1), undefined)
      const at = place % content.length
      content[at] = (content[at] ?? 0) ^ change
      assert.equal(decodeRecord(content, value.position), undefined)
    }),
  )
})

test('record: arbitrary bytes are none', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeRecord(bytes, 0) === undefined))
})

test('the chain gives every cue point once and in order, in few steps, and goes on after an append', async () => {
  const FILLER_BYTES = 1024
  const part = new MemoryPart(new Uint8Array(FILLER_BYTES))
  const expected: CuePoint[] = []
  const append = async (bytes: Uint8Array) => {
    const position = part.sizeBytes
    await part.apply([{ kind: 'append', buffers: [bytes], bytes: bytes.length }])
    const written = decodeRecord(bytes.subarray(VOID_HEADER_BYTES), position)
    assert.ok(written !== undefined)
    return written
  }
  let previousAt = 0
  for (const clusters of [0, 1, 63, 64, 65, 4095, 4096, 10_000, 7]) {
    const keeper = new RecordKeeper(previousAt)
    let last = await append(keeper.opening(part.sizeBytes, []))
    for (let i = 0; i < clusters; i++) {
      const point = { timeMs: expected.length, trackNumber: 1, clusterAt: part.sizeBytes, relativePosition: 10 }
      // Not every cluster has a place to seek to.
      const found = i % 3 === 2 ? undefined : point
      if (found !== undefined) expected.push(found)
      last = await append(keeper.next(part.sizeBytes, [], found))
    }
    previousAt = last.position
    const before = part.readBytes
    assert.deepEqual(await allCuePoints(part, last), expected)
    assert.ok(part.readBytes - before < 100_000 + expected.length * 25, `${part.readBytes - before} bytes read`)
  }
})
