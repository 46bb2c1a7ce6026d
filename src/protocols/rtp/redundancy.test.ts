import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RtpPacket, writeRtpPacket } from './packet.ts'
import { Redundancy } from './redundancy.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const header = { payloadType: 63, marker: true, sequenceNumber: 0, timestamp: 960, ssrc: 7 }

function parsed(bytes: Uint8Array): RtpPacket {
  const packet = new RtpPacket()
  assert.ok(packet.parse(bytes))
  return packet
}

test('a packet repeats those before it, across wraps (RFC 2198 §3)', () => {
  // Two blocks, 1920 and 960 ticks before, of two bytes and one, and the packet itself.
  const payload = hex('ef 1e0002 ef 0f0001 6f aabb cc ddee')
  const redundancy = new Redundancy()
  assert.ok(redundancy.read(parsed(writeRtpPacket(header, payload))))
  assert.deepEqual([redundancy.earlier, redundancy.payloadType], [2, 111])
  const [first, second] = [2, 1].map((before) => parsed(redundancy.packetBefore(before) ?? new Uint8Array()))
  assert.deepEqual(
    [first?.sequenceNumber, first?.timestamp, [...(first?.payload ?? [])]],
    [65_534, 2 ** 32 - 960, [0xaa, 0xbb]],
  )
  assert.deepEqual([second?.sequenceNumber, second?.timestamp, [...(second?.payload ?? [])]], [65_535, 0, [0xcc]])
  assert.equal(redundancy.packetBefore(3), undefined)
  const plain = parsed(redundancy.unwrapped())
  assert.deepEqual([plain.sequenceNumber, plain.timestamp, plain.ssrc, plain.marker], [0, 960, 7, true])
  assert.deepEqual([plain.payloadType, [...plain.payload]], [111, [0xdd, 0xee]])
})

test('one that repeats nothing is itself, also with an extension and padding', () => {
  const redundancy = new Redundancy()
  assert.ok(redundancy.read(parsed(hex('b03f 0001 00000002 00000003 bede0001 40610000 6f 0102 000003'))))
  assert.equal(redundancy.earlier, 0)
  const plain = parsed(redundancy.unwrapped())
  assert.deepEqual([plain.payloadType, plain.sequenceNumber, [...plain.payload]], [111, 1, [1, 2]])
})

test('no bytes make it throw, or read beyond the packet', () => {
  const redundancy = new Redundancy()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (payload) => {
      if (!redundancy.read(parsed(writeRtpPacket(header, payload)))) return
      let bytes = 0
      for (let before = 1; before <= redundancy.earlier; before++) {
        bytes += parsed(redundancy.packetBefore(before) ?? writeRtpPacket(header, new Uint8Array())).payloadBytes
      }
      assert.equal(bytes + parsed(redundancy.unwrapped()).payloadBytes + 4 * redundancy.earlier + 1, payload.length)
    }),
    { numRuns: 3000 },
  )
})
