import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type StreamLoss } from '#hub/stream.ts'
import { parseAvcC } from '#media/h264/avcc.ts'
import { put32, RtpPacket, u32, writeRtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import { fmtp } from '#protocols/rtp/payloads/fixture.test-data.ts'
import { parseRtcp, writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { H264, picture, TestCamera } from '#test/support/rtp-media.ts'
import { Dice, mutate } from '../../../test/fuzz/mutate.ts'
import { MediaReceiver } from './media-receiver.ts'
import { SessionFeedback } from './session-feedback.ts'

const RTX_TYPE = 97
const RED_TYPE = 63
const { sps, pps } = parseAvcC(H264.configuration)
const H264_SETS = [...sps, ...pps]

/** A receiver, what came out of it, and what it told the sender. */
function receiving(
  options: { reducedSize?: boolean; estimate?: boolean; isDescribed?: boolean; isRedundant?: boolean } = {},
) {
  const clock = { nowMs: 10_000 }
  const monotonicMs = () => clock.nowMs
  const runtime = { nowMs: monotonicMs, monotonicMs, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1e6 })
  const { stream } = hub.publish('live/cam1', {
    ...{ protocol: 'webrtc', remoteAddress: '', connectionId: '', encoder: '', ...NO_CONNECTION_FACTS },
    disconnect: () => {},
  })
  const units: { pts: number; bytes: number; last: number }[] = []
  const losses: StreamLoss[] = []
  stream.attach(
    {
      format: () => {},
      accessUnit: ({ payload, pts }) => units.push({ pts, bytes: payload.length, last: payload.at(-1) ?? 0 }),
      lost: (loss) => losses.push(loss),
      ended: () => {},
    },
    { from: 'now', live: false },
  )
  const sent: Uint8Array[] = []
  const feedback = new SessionFeedback({
    ...{ monotonicMs, ssrc: 1, name: 'tapedeck', transportWide: false, estimate: options.estimate ?? false },
    ...{ maxBitrateBps: 2_000_000, reducedSize: options.reducedSize ?? true, send: (packet) => sent.push(packet) },
  })
  const medium = feedback.medium({ nack: true, pictureLoss: true, reorderMs: 500 })
  const payloadFormat = payloadFormatOf(H264) ?? assert.fail()
  const parameters = options.isDescribed === false ? new Map() : fmtp(payloadFormat.parameters(H264))
  const receiver = new MediaReceiver({
    ...{ stream, trackId: 1, clock: new SourceClock(), damaged: 'drop', reorderMs: 500, feedback: medium },
    ...{
      format: {
        payloadType: 96,
        redundancyType: options.isRedundant === true ? RED_TYPE : undefined,
        payloadFormat,
        clockRateHz: 90_000,
        channels: 1,
        parameters,
      },
    },
    ...{ monotonicMs, log: SILENT_LOGGER },
  })
  const packet = new RtpPacket()
  return {
    ...{ clock, units, losses, receiver, medium },
    take: (bytes: Uint8Array) => receiver.rtp(bytes, 0, bytes.length, clock.nowMs),
    again: (bytes: Uint8Array) => {
      assert.ok(packet.parse(bytes))
      receiver.retransmission(packet, bytes, clock.nowMs)
    },
    pass: (ms: number) => {
      for (const untilMs = clock.nowMs + ms; clock.nowMs < untilMs; ) {
        clock.nowMs += 20
        receiver.tick(clock.nowMs)
        feedback.tick(clock.nowMs)
      }
    },
    /** What the sender was told since the last call, without reports. */
    told: () =>
      sent
        .splice(0)
        .flatMap((bytes) => parseRtcp(bytes))
        .filter(({ kind }) => kind !== 'receiverReport' && kind !== 'sourceDescription'),
    reports: () =>
      sent
        .splice(0)
        .flatMap((bytes) => parseRtcp(bytes))
        .flatMap((each) => (each.kind === 'receiverReport' ? [each.reports] : [])),
  }
}

function repeated(original: Uint8Array, sequenceNumber: number, ssrc = 99): Uint8Array {
  const bytes = new Uint8Array(original.length + 2)
  bytes.set(original.subarray(0, 12))
  bytes.set(original.subarray(2, 4), 12)
  bytes.set(original.subarray(12), 14)
  bytes.set([((original[1] ?? 0) & 0x80) | RTX_TYPE, sequenceNumber >>> 8, sequenceNumber & 0xff], 1)
  put32(bytes, 8, ssrc)
  return bytes
}

test('a packet that is missing is asked for, and what comes for it takes its place', () => {
  const { take, again, pass, told, units, losses, receiver, medium } = receiving()
  const camera = new TestCamera(7, 0xfffd)
  const packets = [
    ...camera.packets(picture('key', 350, 1), 0),
    ...camera.packets(picture('inter', 350, 2), 40),
    ...camera.packets(picture('inter', 350, 3), 80),
  ]
  const missing = packets[5] ?? assert.fail()
  for (const packet of packets) if (packet !== missing) take(packet)
  pass(20)
  assert.deepEqual(told(), [{ kind: 'nack', ssrc: 7, sequenceNumbers: [2] }])
  assert.equal(units.length, 1)
  again(repeated(missing, 1))
  assert.equal(units.length, 3)
  // Twice, and what nobody waits for.
  again(repeated(missing, 2))
  again(repeated(packets[0] ?? assert.fail(), 3))
  pass(2_000)
  receiver.flush()
  assert.deepEqual([units.length, losses.length], [3, 0])
  assert.deepEqual([medium.requestedPackets, medium.repairedPackets, medium.randomAccessRequests], [1, 1, 0])
})

test('probes are no media: neither alone, nor before the source, nor between its packets', () => {
  const { take, again, pass, units, losses, receiver } = receiving()
  const probe = (sequenceNumber: number, ssrc: number, payloadType: number) => {
    const bytes = new Uint8Array(100)
    bytes.set(writeRtpPacket({ payloadType, marker: false, sequenceNumber, timestamp: 0, ssrc }, new Uint8Array(0)))
    bytes[0] = 0xa0
    bytes[99] = 88
    return bytes
  }
  again(probe(1, 99, RTX_TYPE))
  const camera = new TestCamera(7, 10)
  for (const packet of camera.packets(picture('key', 60, 1), 0)) take(packet)
  again(probe(2, 99, RTX_TYPE))
  // Of the source itself: they have numbers, and bring nothing.
  take(probe(11, 7, 96))
  take(probe(12, 7, 96))
  const later = new TestCamera(7, 13)
  for (const packet of later.packets(picture('inter', 60, 2), 40)) take(packet)
  pass(600)
  receiver.flush()
  assert.deepEqual([units.length, losses.length], [2, 0])
})

test('a loss before a probe is told to what comes after it', () => {
  const { take, pass, units, losses, receiver } = receiving()
  for (const packet of new TestCamera(7, 10).packets(picture('key', 60, 1), 0)) take(packet)
  const probe = writeRtpPacket(
    { payloadType: 96, marker: false, sequenceNumber: 12, timestamp: 0, ssrc: 7 },
    new Uint8Array(0),
  )
  take(probe)
  for (const packet of new TestCamera(7, 13).packets(picture('inter', 60, 2), 80)) take(packet)
  pass(600)
  receiver.flush()
  assert.equal(units.length, 1)
  assert.deepEqual(
    losses.map(({ packets, accessUnits }) => [packets, accessUnits]),
    [[1, 1]],
  )
})

test('a source that takes over goes on in the same stream, from its first packet on, and beside the sound', () => {
  const { clock, take, pass, units, losses, receiver, told } = receiving()
  const first = new TestCamera(7, 500)
  for (const packet of first.packets(picture('key', 60, 1), 0)) take(packet)
  const report = (ssrc: number, rtpTimestamp: number) =>
    receiver.rtcp(
      writeSenderReport({ ssrc, wallClockMs: 1e12 + clock.nowMs, rtpTimestamp, packets: 1, payloadBytes: 1 }, 'x'),
      clock.nowMs,
    )
  report(7, 0)
  pass(1_000)
  told()
  const second = new TestCamera(8, 60_000)
  for (const packet of second.packets(picture('key', 350, 2), 5_000_000)) take(packet)
  pass(40)
  assert.equal(units.length, 2)
  assert.equal(losses.length, 0)
  const [before, after] = units
  assert.ok(Math.abs((after?.pts ?? 0) - (before?.pts ?? 0) - 90_000) < 90 * 45)
  // Stragglers of the old source change nothing.
  for (const packet of first.packets(picture('inter', 40, 3), 40).slice(0, 1)) take(packet)
  for (const packet of second.packets(picture('inter', 350, 4), 5_000_040)) take(packet)
  pass(600)
  assert.equal(units.length, 3)
  assert.deepEqual(told(), [])
})

test('retransmissions of a source that is gone are not taken for those of the next', () => {
  const { take, again, pass, units } = receiving()
  const first = new TestCamera(7, 500)
  const old = first.packets(picture('key', 250, 1), 0)
  for (const packet of old) take(packet)
  const missing = first.packets(picture('inter', 60, 2), 40)
  for (const packet of first.packets(picture('inter', 60, 3), 80)) take(packet)
  pass(40)
  const taken = missing[0] ?? assert.fail()
  again(repeated(taken, 1, 99))
  const second = new TestCamera(8, 501)
  const next = second.packets(picture('key', 350, 4), 120)
  for (const packet of next.filter((_, index) => index !== 2)) take(packet)
  pass(40)
  // The number of what is missing, but of the other source.
  again(repeated(old[2] ?? assert.fail(), 2, 99))
  pass(20)
  assert.deepEqual(
    units.map(({ last }) => last),
    [1, 2, 3],
  )
  again(repeated(next[2] ?? assert.fail(), 1, 100))
  pass(40)
  assert.equal(units.at(-1)?.last, 4)
})

test('reports are of the source and of its retransmissions, each with its own losses', () => {
  const { take, again, pass, reports } = receiving()
  const camera = new TestCamera(7, 10)
  const packets = camera.packets(picture('key', 950, 1), 0)
  const missing = packets[3] ?? assert.fail()
  for (const packet of packets) if (packet !== missing) take(packet)
  again(repeated(missing, 5))
  again(repeated(missing, 7))
  pass(1_100)
  const [blocks = []] = reports()
  assert.deepEqual(
    blocks.map(({ ssrc, cumulativeLost, highestSequenceNumber }) => [ssrc, cumulativeLost, highestSequenceNumber]),
    [
      [7, 1, 9 + packets.length],
      [99, 1, 7],
    ],
  )
})

test('where the sender heeds it, it is told how much may come; reports lead where nothing may come alone', () => {
  const { take, pass, told } = receiving({ estimate: true, reducedSize: false })
  pass(100)
  assert.deepEqual(told(), [])
  for (const packet of new TestCamera(7, 10).packets(picture('key', 60, 1), 0)) take(packet)
  pass(1_100)
  const estimate = { kind: 'bandwidth', ssrc: 1, bitrateBps: 2_000_000, ssrcs: [7] }
  assert.deepEqual(told(), [estimate, estimate])
})

test('before the first picture that can be shown, one is asked for at once, then each second', () => {
  const { take, pass, told, medium } = receiving({ isDescribed: false })
  const camera = new TestCamera(7, 10)
  for (const packet of camera.packets(picture('inter', 60, 1), 0)) take(packet)
  pass(3_500)
  const asked = { kind: 'pictureLoss', ssrc: 7 }
  assert.deepEqual(told(), [asked, asked, asked, asked])
  assert.equal(medium.randomAccessRequests, 4)
})

test('a large picture that is coming is not asked for again, one that the source broke off only after a moment', () => {
  const { clock, take, pass, told, units } = receiving({ isDescribed: false })
  const camera = new TestCamera(7, 10)
  for (const packet of camera.packets(picture('inter', 60, 1), 0)) take(packet)
  pass(40)
  assert.equal(told().length, 1)
  // It takes three seconds to come, without its end.
  const large = camera.packets(picture('key', 9_000, 2), 40).slice(0, -1)
  for (const packet of large) {
    take(packet)
    pass(40)
  }
  assert.ok(clock.nowMs > 13_000)
  assert.deepEqual(told(), [])
  const sets = H264_SETS.map((payload, index) =>
    writeRtpPacket(
      { payloadType: 96, marker: false, sequenceNumber: 10 + large.length + 1 + index, timestamp: 7_200, ssrc: 7 },
      payload,
    ),
  )
  for (const packet of sets) take(packet)
  const second = new TestCamera(7, 10 + large.length + 1 + sets.length)
  for (const packet of second.packets(picture('key', 1_000, 3), 80)) {
    take(packet)
    pass(20)
  }
  assert.deepEqual(told(), [])
  assert.equal(units.length, 1)
})

test('whatever comes, nothing is thrown, and what is asked for is bounded', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  const dice = new Dice(seed)
  for (let round = 0; round < 20; round++) {
    const { take, again, pass, receiver, medium, clock } = receiving({ isRedundant: round % 2 === 1 })
    const camera = new TestCamera(7, dice.roll(0x10000))
    const good = Array.from({ length: 20 }, (_, index) =>
      camera.packets(picture(index === 0 ? 'key' : 'inter', 400, index), index * 40),
    ).flat()
    const report = { ssrc: 7, wallClockMs: 1e12, rtpTimestamp: 900, packets: 1, payloadBytes: 1 }
    const others = [
      ...good,
      ...good.map((packet) => repeated(packet, 1)),
      writeSenderReport(report, 'x'),
      writeBye(7),
    ].map((bytes) => Buffer.from(bytes))
    for (let each = 0; each < 400; each++) {
      const bytes = Uint8Array.from(mutate(dice.pick(others), dice, others))
      const packet = new RtpPacket()
      if (dice.roll(3) === 0 && packet.parse(bytes)) again(bytes)
      else if (dice.roll(10) === 0) receiver.rtcp(bytes, clock.nowMs)
      else take(bytes)
      if (dice.roll(10) === 0) pass(20)
    }
    assert.ok(medium.randomAccessRequests <= 2 + clock.nowMs / 1_000, `FUZZ_SEED=${seed}`)
    receiver[Symbol.dispose]()
  }
})

test('sound that is lost comes again with the next packet (RFC 2198)', () => {
  const { take, pass, units, losses, receiver } = receiving({ isRedundant: true })
  const single = (index: number) => picture(index === 0 ? 'key' : 'inter', 40, index)
  const unit = (index: number) => single(index).subarray(4)
  for (const index of [0, 1, 3, 4, 7]) {
    const before = index === 0 ? new Uint8Array(0) : unit(index - 1)
    const offset = (3_600 << 10) | before.length
    const head = index === 0 ? [96] : [0x80 | 96, offset >>> 16, (offset >>> 8) & 0xff, offset & 0xff, 96]
    const payload = Uint8Array.from([...head, ...before, ...unit(index)])
    const header = { payloadType: RED_TYPE, marker: true, sequenceNumber: (0xfffe + index) & 0xffff, ssrc: 7 }
    take(writeRtpPacket({ ...header, timestamp: index * 3_600 }, payload))
    pass(40)
  }
  pass(600)
  receiver.flush()
  assert.deepEqual(
    units.map(({ pts }) => (pts - (units[0]?.pts ?? 0)) / 3_600),
    [0, 1, 2, 3, 4],
  )
  // Of two in a row one comes again; what refers to the other can't be shown.
  assert.deepEqual(
    losses.map(({ packets, accessUnits }) => [packets, accessUnits]),
    [[1, 2]],
  )
})

test('feedback begins with a report where it has to', () => {
  const sent: Uint8Array[] = []
  const feedback = new SessionFeedback({
    ...{ monotonicMs: () => 0, ssrc: 1, name: 'x', transportWide: true, estimate: false, maxBitrateBps: 1 },
    ...{ reducedSize: false, send: (packet) => sent.push(packet) },
  })
  const packet = new RtpPacket()
  packet.parse(
    writeRtpPacket({ payloadType: 96, marker: false, sequenceNumber: 1, timestamp: 0, ssrc: 5 }, new Uint8Array(1)),
  )
  feedback.arrived(packet, 17, 5)
  feedback.arrived(packet, -1, 6)
  feedback.tick(100)
  assert.deepEqual(
    parseRtcp(sent[0] ?? new Uint8Array()).map(({ kind }) => kind),
    ['receiverReport', 'sourceDescription', 'transportFeedback'],
  )
  assert.equal(u32(sent[0] ?? new Uint8Array(), 4), 1)
})
