import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RtpPacket, writeRtpPacket } from './packet.ts'
import { SentPackets, wrapRetransmission } from './sent-packets.ts'

const packet = (sequenceNumber: number, payload: Uint8Array = Uint8Array.of(1, 2, 3)) =>
  writeRtpPacket({ payloadType: 96, marker: true, sequenceNumber, timestamp: 7, ssrc: 9 }, payload)

test('what was sent last is at hand, across the wrap of sequence numbers; what is older is not', () => {
  const sent = new SentPackets(16)
  const first = 0xffff - 20
  for (let i = 0; i < 40; i++) sent.add(packet((first + i) & 0xffff))
  for (let i = 0; i < 40; i++) {
    const sequenceNumber = (first + i) & 0xffff
    const again = sent.again(sequenceNumber, 0)
    if (i < 24) assert.equal(again, undefined, `${i}`)
    else assert.deepEqual(again, packet(sequenceNumber))
  }
  assert.equal(sent.again((first + 40) & 0xffff, 0), undefined, 'not sent yet')
})

test('what is asked for twice within a moment is sent again once', () => {
  const sent = new SentPackets(16)
  sent.add(packet(5))
  assert.ok(sent.again(5, 100))
  assert.equal(sent.again(5, 110), undefined)
  assert.ok(sent.again(5, 120))
  sent.add(packet(5))
  assert.ok(sent.again(5, 121), 'another packet of the same number, 65536 later')
})

test('a retransmission holds the packet and its number (RFC 4588 §4)', () => {
  const numbers = fc.integer({ min: 0, max: 0xffff })
  fc.assert(
    fc.property(
      numbers,
      numbers,
      fc.uint8Array({ maxLength: 50 }),
      fc.boolean(),
      (number, rtxNumber, payload, extended) => {
        const plain = packet(number, payload)
        const original = extended ? withExtension(plain) : plain
        const wrapped = wrapRetransmission(original, { payloadType: 97, ssrc: 0xfedcba98 }, rtxNumber)
        const read = new RtpPacket()
        assert.ok(read.parse(wrapped))
        assert.deepEqual([read.payloadType, read.ssrc, read.sequenceNumber], [97, 0xfedcba98, rtxNumber])
        assert.deepEqual([read.timestamp, read.marker], [7, true])
        assert.equal(read.extensionEnd - read.extensionStart, extended ? 4 : 0)
        assert.deepEqual(Uint8Array.from(read.payload), Uint8Array.of(number >> 8, number & 0xff, ...payload))
      },
    ),
  )
})

function withExtension(plain: Uint8Array): Uint8Array {
  const whole = Uint8Array.of(...plain.subarray(0, 12), 0xbe, 0xde, 0, 1, 0x10, 0x30, 0, 0, ...plain.subarray(12))
  whole[0] = 0x90
  return whole
}
