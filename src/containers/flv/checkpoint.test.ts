import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { KeyFrameIndex } from './key-frame-index.ts'
import { indexCapacity, initialMetadata, metadataRoom, readMetadata, roomBytesFor } from './metadata.ts'
import { isPreviousTagSize, readTagHeader, TAG_HEADER_BYTES, TagType, tagBytes, writeTagHeader } from './tag.ts'

const plain = { noNullPrototype: true }
const entry = fc.record({ position: fc.maxSafeNat(), timeMs: fc.nat() }, plain)
const totals = fc.record(
  {
    accessUnits: fc.nat(),
    payloadBytes: fc.maxSafeNat(),
    firstPts: fc.maxSafeInteger(),
    lastPts: fc.maxSafeInteger(),
    lastDts: fc.maxSafeInteger(),
    lastTicks: fc.double({ min: 0, max: 1e6, noNaN: true }),
  },
  plain,
)
const track = fc.record(
  {
    trackId: fc.nat(0xffff),
    codec: fc.constantFrom(
      'h264',
      'h265',
      'av1',
      'vp9',
      'vp8',
      'aac',
      'mp3',
      'opus',
      'flac',
      'ac3',
      'eac3',
      'pcma',
      'pcmu',
    ),
    multitrackId: fc.nat(255),
    configurationCrc: fc.nat(),
    totals,
  },
  plain,
)
const checkpoint: fc.Arbitrary<Checkpoint> = fc.record(
  {
    position: fc.maxSafeNat(),
    basePosition: fc.maxSafeNat(),
    createdAtMs: fc.maxSafeNat(),
    roomBytes: fc.nat(),
    isEnd: fc.boolean(),
    stride: fc.nat(),
    seenKeyFrames: fc.nat(),
    entries: fc.array(entry),
    tracks: fc.array(track),
  },
  plain,
)

test('checkpoint: what is written reads back, only where it was written, only unchanged', () => {
  fc.assert(
    fc.property(checkpoint, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
      const body = encodeCheckpoint(value)
      assert.deepEqual(decodeCheckpoint(body, value.position), value)
      assert.equal(decodeCheckpoint(body, value.position + 1), undefined)
      const at = place % body.length
      body[at] = (body[at] ?? 0) ^ change
      assert.equal(decodeCheckpoint(body, value.position), undefined)
    }),
  )
})

test('checkpoint: arbitrary bytes are none', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => decodeCheckpoint(bytes, 0) === undefined))
})

test('tag header: what is written reads back, past 24 bits of milliseconds too', () => {
  const timestampMs = fc.integer({ min: 0, max: 0xffff_ffff })
  const bodyBytes = fc.integer({ min: 0, max: 0xff_ffff })
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(TagType)), bodyBytes, timestampMs, (type, size, time) => {
      const bytes = new Uint8Array(TAG_HEADER_BYTES)
      writeTagHeader(bytes, 0, type, size, time)
      assert.deepEqual(readTagHeader(bytes, 0), { type, bodyBytes: size, timestampMs: time })
    }),
  )
  const tag = tagBytes(TagType.script, 0x0102_0304, Uint8Array.of(1, 2))
  assert.equal(Buffer.from(tag).toString('hex'), '12000002020304010000000102' + '0000000d')
  assert.equal(isPreviousTagSize(tag, tag.length - 4, 2), true)
})

test('key frame index: never above its capacity, evenly thinned, every entry true', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(500), (capacity, count) => {
      const index = new KeyFrameIndex(capacity)
      for (let i = 0; i < count; i++) index.add(i * 100, i)
      const { stride, entries } = index.state
      assert.ok(entries.length <= capacity)
      assert.deepEqual(
        entries.map(({ timeMs }) => timeMs),
        Array.from({ length: Math.ceil(count / stride) }, (_, i) => i * stride),
      )
      assert.ok(count === 0 || stride === 1 || entries.length > capacity / 2 - 1)
    }),
  )
})

test('metadata room: filled to the byte whatever the index, and read back', () => {
  for (const expectedSeconds of [0, 10, 500, 10_000_000]) {
    const roomBytes = roomBytesFor(expectedSeconds)
    const capacity = indexCapacity(roomBytes)
    for (const count of [0, 1, 2, capacity - 1, capacity, capacity + 80, capacity + 81, capacity * 3]) {
      const times = Array.from({ length: count }, (_, i) => i)
      const metadata = { ...initialMetadata([], 0), keyframes: { filepositions: times, times } }
      const room = metadataRoom(metadata, roomBytes)
      assert.equal(room.length, roomBytes)
      const script = readTagHeader(room, 0)
      assert.ok(script !== undefined)
      const reserve = readTagHeader(room, script.bodyBytes + 15)
      assert.equal((reserve?.bodyBytes ?? 0) + script.bodyBytes + 30, roomBytes)
      const read = readMetadata(room, script.bodyBytes)?.['keyframes'] as { times: number[] } | undefined
      const step = read?.times[1] ?? 1
      assert.deepEqual(
        read?.times,
        times.filter((time) => time % step === 0),
      )
    }
  }
})
