import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PACKET_BYTES } from './packet.ts'
import { decodeTally, encodeTally, type Tally, tallyBytes } from './tally.ts'

const plain = { noNullPrototype: true }
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
const tally: fc.Arbitrary<Tally> = fc.record(
  {
    position: fc.maxSafeNat(),
    createdAtMs: fc.maxSafeNat(),
    patContinuity: fc.nat(15),
    pmtContinuity: fc.nat(15),
    pmtVersion: fc.nat(31),
    zeroTicks: fc.maxSafeNat(),
    isEnd: fc.boolean(),
    tracks: fc.array(
      fc.record(
        {
          trackId: fc.nat(0xffff),
          codec: fc.constantFrom('h264', 'h265', 'aac', 'mp3', 'opus', 'ac3', 'eac3'),
          pid: fc.nat(0x1fff),
          continuity: fc.nat(15),
          totals,
        },
        plain,
      ),
      { maxLength: 9 },
    ),
  },
  plain,
)

function inPackets(value: Tally): Uint8Array {
  return Buffer.concat(encodeTally(value).flatMap((payload) => [Uint8Array.of(0x47, 0x1f, 0xff, 0x10), payload]))
}

test('tally: what is written reads back, only where it was written, only whole', () => {
  fc.assert(
    fc.property(tally, (value) => {
      const bytes = inPackets(value)
      assert.equal(bytes.length, tallyBytes(value))
      assert.deepEqual(decodeTally(bytes, 0, value.position), value)
      assert.equal(decodeTally(bytes, 0, value.position + PACKET_BYTES), undefined)
      assert.equal(decodeTally(bytes.subarray(0, -1), 0, value.position), undefined)
    }),
  )
})

test('tally: a changed byte behind the packet header is noticed', () => {
  fc.assert(
    fc.property(tally, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
      const bytes = inPackets(value)
      const at = place % bytes.length
      if (at % PACKET_BYTES < 4) return
      bytes[at] = (bytes[at] ?? 0) ^ change
      assert.equal(decodeTally(bytes, 0, value.position), undefined)
    }),
  )
})
