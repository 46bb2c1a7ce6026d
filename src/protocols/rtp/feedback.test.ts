import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readTransportFeedback, writeNack, writeRemb, writeTransportFeedback } from './feedback.ts'
import { HeaderExtensions } from './header-extensions.ts'
import { RtpPacket, writeRtpPacket } from './packet.ts'
import { NackRequester, unwrapRetransmission } from './retransmission.ts'
import { parseRtcp } from './rtcp.ts'
import { TransportFeedback } from './transport-feedback.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

function parsed(bytes: Uint8Array): RtpPacket {
  const packet = new RtpPacket()
  assert.ok(packet.parse(bytes))
  return packet
}

test('what is asked for by a negative acknowledgement is what is read from it, in as few entries as can be', () => {
  assert.deepEqual(writeNack(1, 2, [0xfffe, 0xffff, 1, 40]), hex('81cd0004 00000001 00000002 fffe0005 00280000'))
  const numbers = fc.tuple(fc.nat(0xffff), fc.uniqueArray(fc.nat(2000), { maxLength: 200 }))
  fc.assert(
    fc.property(numbers, ([first, offsets]) => {
      const sequenceNumbers = offsets.toSorted((a, b) => a - b).map((offset) => (first + offset) & 0xffff)
      assert.deepEqual(parseRtcp(writeNack(7, 8, sequenceNumbers)), [{ kind: 'nack', ssrc: 8, sequenceNumbers }])
    }),
  )
})

test('a bandwidth estimate is rounded down to its 18 bits (draft-alvestrand-rmcat-remb-03)', () => {
  assert.deepEqual(
    writeRemb(1, 2_500_000, [2, 3]),
    hex('8fce0006 00000001 00000000 52454d42 021262 5a 00000002 00000003'),
  )
  const rates = fc.tuple(fc.maxSafeNat(), fc.array(fc.nat(), { maxLength: 10 }))
  fc.assert(
    fc.property(rates, ([bitrateBps, ssrcs]) => {
      const [back] = parseRtcp(writeRemb(9, bitrateBps, ssrcs))
      assert.ok(back?.kind === 'bandwidth')
      assert.deepEqual(back.ssrcs, ssrcs)
      assert.ok(back.bitrateBps <= bitrateBps && back.bitrateBps >= bitrateBps * (1 - 2 ** -17))
    }),
  )
})

test('extensions of one byte: medium, encoding, transport-wide number, padding in between (RFC 8285 §4.2)', () => {
  const extensions = new HeaderExtensions({ mid: 4, rid: 10, repairedRid: 11, transportSequence: 3 })
  extensions.read(parsed(hex('90e0 0001 00000002 00000003 bede0003 40 61 00 00 31 abcd a0 68 b0 69 00')))
  assert.deepEqual(
    [extensions.mid, extensions.rid, extensions.repairedRid, extensions.transportSequence],
    ['a', 'h', 'i', 0xabcd],
  )
  // Fifteen ends it; what the packet before said is gone.
  extensions.read(parsed(hex('90e0 0001 00000002 00000003 bede0002 f0 00 40 61 00000000')))
  assert.deepEqual([extensions.mid, extensions.rid, extensions.transportSequence], [undefined, undefined, -1])
  extensions.read(parsed(hex('80e0 0001 00000002 00000003 aa')))
  assert.equal(extensions.mid, undefined)
})

test('extensions of two bytes, an empty one among them (RFC 8285 §4.3)', () => {
  const extensions = new HeaderExtensions({ mid: 200, transportSequence: 3 })
  extensions.read(parsed(hex('90e0 0001 00000002 00000003 10000003 07 00 c8 03 766964 00 03 02 ffff')))
  assert.deepEqual([extensions.mid, extensions.transportSequence], ['vid', 0xffff])
  // Another profile has no extensions that anybody named.
  extensions.read(parsed(hex('90e0 0001 00000002 00000003 abac0001 c8 01 61 00')))
  assert.equal(extensions.mid, undefined)
})

test('no bytes make the readers of extensions, retransmissions and feedback throw or read beyond the end', () => {
  const header = [0x90, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
  const profiles = fc.constantFrom([0xbe, 0xde], [0x10, 0x00], [0x10, 0x0f], [0, 0])
  const extensions = new HeaderExtensions({ mid: 1, rid: 2, transportSequence: 3 })
  fc.assert(
    fc.property(profiles, fc.nat(20), fc.uint8Array({ maxLength: 100 }), (profile, words, rest) => {
      const bytes = Uint8Array.from([...header, ...profile, 0, words, ...rest])
      const packet = new RtpPacket()
      if (!packet.parse(bytes)) return
      extensions.read(packet)
      assert.ok((extensions.mid?.length ?? 0) <= 255)
      assert.ok(extensions.transportSequence >= -1 && extensions.transportSequence <= 0xffff)
      const original = unwrapRetransmission(packet, bytes, 96, 7)
      assert.ok(original === undefined || original.length === bytes.length - 2)
    }),
    { numRuns: 3000 },
  )
  const types = fc.constantFrom([0x8f, 205], [0x8f, 206], [0x81, 205])
  fc.assert(
    fc.property(types, fc.uint8Array({ maxLength: 120 }), (type, rest) => {
      const length = 4 * Math.floor(rest.length / 4)
      parseRtcp(Uint8Array.from([...type, 0, length / 4, ...rest.subarray(0, length)]))
    }),
    { numRuns: 3000 },
  )
})

test('a retransmission becomes the packet it repeats, with its extensions and marker (RFC 4588 §4)', () => {
  const bytes = hex('90e1 0101 00000002 00000009 bede0001 40610000 fffe 010203')
  const original = unwrapRetransmission(parsed(bytes), bytes, 96, 7)
  assert.deepEqual(original, hex('90e0 fffe 00000002 00000007 bede0001 40610000 010203'))
  assert.equal(original.buffer, bytes.buffer)
  const padded = hex('a0e1 0101 00000002 00000009 0005 aabb 000003')
  const unpadded = unwrapRetransmission(parsed(padded), padded, 96, 7)
  assert.deepEqual([...parsed(unpadded ?? new Uint8Array()).payload], [0xaa, 0xbb])
})

test('a probe for bandwidth repeats nothing', () => {
  const probe = Uint8Array.from([...hex('a061 0101 00000002 00000009'), ...new Uint8Array(223), 224])
  assert.equal(unwrapRetransmission(parsed(probe), probe, 96, 7), undefined)
  const empty = writeRtpPacket({ payloadType: 97, marker: false, sequenceNumber: 1, timestamp: 0, ssrc: 9 }, hex('01'))
  assert.equal(unwrapRetransmission(parsed(empty), empty, 96, 7), undefined)
})

test('what is missing is asked for after a moment, again each round trip, and no longer than it is of use', () => {
  const requester = new NackRequester({ maxDelayMs: 300, rttMs: 100 })
  for (const sequenceNumber of [65_533, 65_534, 1]) requester.received(sequenceNumber, 0)
  assert.deepEqual(requester.due(5), [])
  assert.deepEqual(requester.due(10), [65_535, 0])
  assert.deepEqual(requester.due(100), [])
  requester.received(0, 110)
  assert.ok(requester.rttMs > 99 && requester.rttMs < 101)
  assert.deepEqual(requester.due(140), [65_535])
  assert.deepEqual(requester.due(280), [65_535])
  assert.deepEqual(requester.due(300), [])
  assert.deepEqual([requester.requested, requester.repaired, requester.givenUp, requester.missing], [2, 1, 1, 0])
  // Too late, and what nobody asked for.
  requester.received(65_535, 310)
  requester.received(0, 310)
  assert.deepEqual([requester.repaired, requester.missing], [1, 0])
})

test('what only came out of order is not asked for', () => {
  const requester = new NackRequester({ maxDelayMs: 300, rttMs: 100 })
  for (const [sequenceNumber, atMs] of [
    [1, 0],
    [3, 1],
    [2, 6],
    [4, 7],
  ] as const) {
    requester.received(sequenceNumber, atMs)
    assert.deepEqual(requester.due(atMs), [])
  }
  assert.deepEqual([requester.requested, requester.missing], [0, 0])
})

test('a hole too large to be filled is not asked for, nor is what is before it', () => {
  const requester = new NackRequester({ maxDelayMs: 300, rttMs: 100 })
  for (const sequenceNumber of [0, 2, 1000]) requester.received(sequenceNumber, 0)
  assert.deepEqual(requester.due(50), [])
  assert.equal(requester.missing, 0)
  requester.received(1002, 60)
  assert.deepEqual(requester.due(80), [1001])
})

test('whatever numbers come, what is asked for is bounded, missing, and asked for so often at most', () => {
  const arrivals = fc.array(fc.tuple(fc.nat(0xffff), fc.nat(30)), { maxLength: 300 })
  fc.assert(
    fc.property(arrivals, (numbers) => {
      const requester = new NackRequester({ maxDelayMs: 500, rttMs: 20 })
      const asked = new Map<number, number>()
      let nowMs = 0
      for (const [sequenceNumber, pauseMs] of numbers) {
        nowMs += pauseMs
        requester.received(sequenceNumber, nowMs)
        const due = requester.due(nowMs)
        assert.ok(due.length <= 256 && requester.missing <= 1024)
        for (const each of due) asked.set(each, (asked.get(each) ?? 0) + 1)
      }
      for (let each = 1; each <= 100; each++) requester.due(nowMs + each * 20)
      assert.equal(requester.missing, 0)
      assert.ok(requester.repaired <= requester.requested)
    }),
  )
})

test('arrivals as a sender would be told them: runs, vectors, large and negative deltas (draft-holmer-…-01 §3.1)', () => {
  const ticks = [256, 257, -1, 1000, 999, -1, -1, 1001]
  const { bytes, statuses } = writeTransportFeedback({
    ...{ senderSsrc: 1, mediaSsrc: 2, firstSequence: 0xfffd, statuses: ticks.length, count: 300 },
    arrivalTicks: (sequence) => ticks[(sequence - 0xfffd) & 0xffff] ?? -1,
  })
  assert.equal(statuses, 8)
  // 1 1 0 2 2 0 0 | 1: a vector of two-bit symbols and a run; deltas 0, 1, 743, -1, 2.
  assert.deepEqual(bytes, hex('afcd0007 00000001 00000002 fffd0008 0000012c d4a0 2001 00 01 02e7 ffff 02 01'))
  const long = writeTransportFeedback({
    ...{ senderSsrc: 1, mediaSsrc: 2, firstSequence: 0, statuses: 9000, count: 0 },
    arrivalTicks: (sequence) => sequence,
  })
  assert.equal(long.statuses, 512)
  assert.equal(long.bytes?.[20], 0x22)
})

test('every arrival survives being told, over wraps, losses and long pauses', () => {
  const gaps = fc.record({
    lost: fc.boolean(),
    afterMs: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -40, max: 80 }) },
      { weight: 1, arbitrary: fc.nat(20_000) },
    ),
  })
  fc.assert(
    fc.property(fc.nat(0xffff), fc.array(gaps, { maxLength: 700 }), fc.nat(2 ** 30), (first, packets, startMs) => {
      const feedback = new TransportFeedback(1)
      const sent = new Map<number, number>()
      let atMs = startMs + 100_000
      for (const [index, { lost, afterMs }] of packets.entries()) {
        atMs = Math.max(0, atMs + afterMs)
        if (lost && index > 0) continue
        const sequence = (first + index) & 0xffff
        sent.set(sequence, atMs)
        feedback.received(sequence, atMs)
      }
      const got = new Map<number, number>()
      for (const [index, bytes] of feedback.packets(atMs).entries()) {
        const report = readTransportFeedback(bytes)
        assert.ok(report !== undefined && bytes.length <= 1200)
        assert.equal(report.count, index)
        for (const [offset, arrivalMs] of report.arrivalsMs.entries()) {
          if (arrivalMs !== undefined) got.set((report.firstSequence + offset) & 0xffff, arrivalMs)
        }
      }
      assert.deepEqual([...got.keys()], [...sent.keys()])
      for (const [sequence, arrivalMs] of got) assert.equal(arrivalMs, (sent.get(sequence) ?? 0) % 2 ** 30)
      assert.deepEqual(feedback.packets(atMs + 1000), [])
    }),
  )
})

test('reports are 100 ms apart, say what is missing, and what came late after all', () => {
  const feedback = new TransportFeedback(1)
  const told = (nowMs: number) =>
    feedback.packets(nowMs).map((bytes) => {
      const report = readTransportFeedback(bytes)
      return [report?.firstSequence, report?.arrivalsMs]
    })
  feedback.received(10, 1000)
  assert.deepEqual(told(1000), [[10, [1000]]])
  feedback.received(13, 1020)
  assert.deepEqual(told(1099), [])
  assert.deepEqual(told(1100), [[11, [undefined, undefined, 1020]]])
  feedback.received(12, 1060)
  feedback.received(12, 1070)
  assert.deepEqual(told(1210), [[12, [1060, 1020]]])
  feedback.received(14, 1211)
  assert.deepEqual(told(1310), [[14, [1211]]])
})

test('numbers that jump anywhere never make a report that is wrong or too large', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(0xffff), fc.nat(100)), { maxLength: 200 }), (arrivals) => {
      const feedback = new TransportFeedback(1)
      let nowMs = 0
      for (const [sequence, pauseMs] of arrivals) {
        nowMs += pauseMs
        feedback.received(sequence, nowMs)
        const packets = feedback.packets(nowMs)
        assert.ok(packets.length <= 12)
        for (const bytes of packets) assert.ok(readTransportFeedback(bytes) !== undefined && bytes.length <= 1200)
      }
    }),
  )
})
