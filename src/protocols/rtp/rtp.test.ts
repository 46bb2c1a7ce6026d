import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JitterBuffer } from './jitter-buffer.ts'
import { isRtcp, RtpPacket, writeRtpPacket } from './packet.ts'
import { Reception } from './reception.ts'
import { parseRtcp, writeBye, writePictureLoss, writeReceiverReport, writeSenderReport } from './rtcp.ts'
import { SourceClock } from './source-clock.ts'
import { TimestampUnwrapper } from './timestamp.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

test('a packet with contributing sources, extension and padding (RFC 3550 §5.1)', () => {
  const bytes = hex('b1 e0 0001 00000002 00000003 0000000a bede0001 10aa0000 010203 000003')
  const packet = new RtpPacket()
  assert.ok(packet.parse(bytes))
  assert.deepEqual(
    [packet.marker, packet.payloadType, packet.sequenceNumber, packet.timestamp, packet.ssrc],
    [true, 96, 1, 2, 3],
  )
  assert.deepEqual([...packet.payload], [1, 2, 3])
  assert.equal(packet.extensionProfile, 0xbede)
  assert.deepEqual([...bytes.subarray(packet.extensionStart, packet.extensionEnd)], [0x10, 0xaa, 0, 0])
})

test('what is no packet is refused: short, another version, padding or extension beyond the end', () => {
  const packet = new RtpPacket()
  for (const text of ['', '80e00001', '40e0 0001 00000002 00000003', 'a0e0 0001 00000002 00000003 ff']) {
    assert.equal(packet.parse(hex(text)), false, text)
  }
  assert.equal(packet.parse(hex('90e0 0001 00000002 00000003 bede0009 00')), false)
  assert.equal(packet.parse(hex('8fe0 0001 00000002 00000003')), false)
})

test('packets survive being written and read', () => {
  fc.assert(
    fc.property(
      fc.record({
        payloadType: fc.integer({ min: 0, max: 127 }),
        marker: fc.boolean(),
        sequenceNumber: fc.integer({ min: 0, max: 0xffff }),
        timestamp: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        ssrc: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      }),
      fc.uint8Array({ maxLength: 50 }),
      (header, payload) => {
        const packet = new RtpPacket()
        assert.ok(packet.parse(writeRtpPacket(header, payload)))
        const { payloadType, marker, sequenceNumber, timestamp, ssrc } = packet
        assert.deepEqual({ payloadType, marker, sequenceNumber, timestamp, ssrc }, { ...header })
        assert.deepEqual([...packet.payload], [...payload])
      },
    ),
  )
})

test('no bytes make the parsers throw or read beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const packet = new RtpPacket()
      if (packet.parse(bytes)) assert.ok(packet.payloadStart <= packet.payloadEnd && packet.payloadEnd <= bytes.length)
      parseRtcp(bytes)
    }),
    { numRuns: 2000 },
  )
})

test('timestamps are unwrapped to the nearest', () => {
  const unwrapper = new TimestampUnwrapper()
  const given = [0xffff_fff0, 0xffff_ffff, 5, 0xffff_fffe, 6]
  assert.deepEqual(
    given.map((timestamp) => unwrapper.unwrap(timestamp)),
    [0xffff_fff0, 0xffff_ffff, 2 ** 32 + 5, 0xffff_fffe, 2 ** 32 + 6],
  )
})

/** A jitter buffer and what came out of it: sequence numbers, with `-n` for n lost before. */
function buffer(options: { maxDelayMs?: number; maxBytes?: number; firstHoldMs?: number } = {}) {
  const out: (number | string)[] = []
  const jitter = new JitterBuffer({
    maxDelayMs: 100,
    maxBytes: 1e6,
    ...options,
    receive: (packet, lostBefore) => {
      if (lostBefore > 0) out.push(`-${lostBefore}`)
      out.push(packet.sequenceNumber)
    },
    restarted: () => out.push('restart'),
  })
  const push = (sequenceNumber: number, nowMs = 0, isRepeated = false) => {
    const packet = new RtpPacket()
    const header = { payloadType: 96, marker: false, sequenceNumber: sequenceNumber & 0xffff, timestamp: 0, ssrc: 1 }
    packet.parse(writeRtpPacket(header, new Uint8Array(100)))
    jitter.push(packet, nowMs, isRepeated)
  }
  const repeat = (sequenceNumber: number) => push(sequenceNumber, 0, true)
  return { out, jitter, push, repeat }
}

test('what comes out of order is put in order, also where numbers wrap', () => {
  const { out, jitter, push } = buffer()
  for (const sequenceNumber of [65_533, 65_535, 65_534, 65_537, 65_536, 65_538]) push(sequenceNumber)
  assert.deepEqual(out, [65_533, 65_534, 65_535, 0, 1, 2])
  assert.equal(jitter.reordered, 2)
  assert.equal(jitter.lostPackets, 0)
})

test('a missing packet is waited for, then given up and told', () => {
  const { out, jitter, push } = buffer()
  push(1, 0)
  push(4, 10)
  push(6, 20)
  jitter.tick(109)
  assert.deepEqual(out, [1])
  jitter.tick(110)
  assert.deepEqual(out, [1, '-2', 4])
  push(5, 115)
  assert.deepEqual(out, [1, '-2', 4, 5, 6])
  push(2, 116)
  push(6, 117)
  assert.equal(jitter.duplicates, 2)
  assert.equal(jitter.lostPackets, 2)
})

test('what came before its turn at the very beginning is not lost: the first packets are held for a moment', () => {
  const { out, jitter, push } = buffer({ firstHoldMs: 20 })
  for (const sequenceNumber of [1, 65_535, 0, 3]) push(sequenceNumber, 0)
  jitter.tick(19)
  assert.deepEqual(out, [])
  jitter.tick(20)
  assert.deepEqual(out, [65_535, 0, 1])
  push(2, 30)
  assert.deepEqual(out, [65_535, 0, 1, 2, 3])
  assert.equal(jitter.lostPackets, 0)
  const many = buffer({ firstHoldMs: 20 })
  for (let sequenceNumber = 0; sequenceNumber < 64; sequenceNumber++) many.push(sequenceNumber)
  assert.equal(many.out.length, 64)
  const short = buffer({ firstHoldMs: 20 })
  short.push(7)
  short.jitter.flush()
  assert.deepEqual(short.out, [7])
})

test('what is repeated from long ago, or of nothing, makes no source begin anew', () => {
  const { out, jitter, repeat, push } = buffer()
  repeat(500)
  push(1_000)
  repeat(60_000)
  repeat(60_001)
  repeat(20_000)
  repeat(20_001)
  push(1_001)
  assert.deepEqual(out, [1_000, 1_001])
  assert.equal(jitter.duplicates, 4)
})

test('memory is bounded in bytes and in packets', () => {
  const few = buffer({ maxBytes: 300 })
  few.push(1)
  for (const sequenceNumber of [3, 5, 7, 9]) few.push(sequenceNumber)
  assert.ok(few.jitter.heldBytes <= 300)
  assert.deepEqual(few.out, [1, '-1', 3, '-1', 5])
  const far = buffer()
  far.push(1)
  far.push(3)
  far.push(1500)
  far.jitter.flush()
  assert.deepEqual(far.out, [1, '-1', 3, '-1496', 1500])
  assert.equal(far.jitter.heldBytes, 0)
})

test('a stray packet changes nothing, a restarted source begins anew', () => {
  const { out, push } = buffer()
  push(1)
  push(30_000)
  push(2)
  push(40_000)
  push(40_001)
  push(40_002)
  assert.deepEqual(out, [1, 2, 'restart', 40_001, 40_002])
})

test('numbers of nobody are not counted, those of a source that counts anew are (RFC 3550 appendix A.1)', () => {
  const reception = new Reception(5, 90_000)
  const packet = new RtpPacket()
  for (const sequenceNumber of [10, 11, 40_000, 12, 50_000, 50_001, 50_003]) {
    packet.parse(
      writeRtpPacket({ payloadType: 96, marker: false, sequenceNumber, timestamp: 0, ssrc: 5 }, new Uint8Array(1)),
    )
    reception.packet(packet, 0)
    if (sequenceNumber === 12) assert.equal(reception.report(0).cumulativeLost, 0)
  }
  const { cumulativeLost, highestSequenceNumber, fractionLost } = reception.report(0)
  assert.deepEqual([cumulativeLost, highestSequenceNumber, fractionLost], [1, 50_003, 1 / 3])
})

test('whatever the network does, each packet comes out once, in order, and the account balances', () => {
  const journeys = fc.array(fc.record({ lost: fc.boolean(), delay: fc.integer({ min: 0, max: 30 }) }), {
    minLength: 2,
    maxLength: 300,
  })
  fc.assert(
    fc.property(journeys, fc.integer({ min: 0, max: 0xffff }), fc.nat(200), (packets, first, firstHoldMs) => {
      const { out, jitter, push } = buffer({ maxDelayMs: 1000, firstHoldMs })
      const arrivals = packets
        .map(({ lost, delay }, index) => ({ index, at: index * 10 + delay * 10, lost: lost && index % 7 === 3 }))
        .filter(({ lost, index }) => index === 0 || !lost)
        .map((each) => (each.index === 0 ? { ...each, at: -1 } : each))
        .sort((a, b) => a.at - b.at)
      for (const { index, at } of arrivals) push(first + index, at)
      jitter.flush()
      const received = out.filter((each) => typeof each === 'number')
      const expected = arrivals.map(({ index }) => index).sort((a, b) => a - b)
      assert.deepEqual(
        received,
        expected.map((index) => (first + index) & 0xffff),
      )
      assert.equal(jitter.lostPackets, (expected.at(-1) ?? 0) + 1 - expected.length)
    }),
  )
})

test('reports survive being written and read, in compound packets (RFC 3550 §6.4)', () => {
  const wallClockMs = Date.UTC(2026, 10, 20, 12, 0, 0, 250)
  const sent = { ssrc: 7, wallClockMs, rtpTimestamp: 0xfffffff0, packets: 10, payloadBytes: 2 ** 32 - 1 }
  const compound = writeSenderReport(sent, 'cam@10.0.0.1')
  assert.ok(isRtcp(compound))
  const [report, names] = parseRtcp(compound)
  assert.ok(report?.kind === 'senderReport' && names?.kind === 'sourceDescription')
  assert.ok(Math.abs(report.wallClockMs - wallClockMs) < 0.001)
  assert.equal(report.rtpTimestamp, sent.rtpTimestamp)
  assert.equal(report.payloadBytes, sent.payloadBytes)
  assert.equal(names.names.get(7), 'cam@10.0.0.1')
  const block = {
    ssrc: 9,
    fractionLost: 0.25,
    cumulativeLost: -3,
    highestSequenceNumber: 0x10002,
    jitter: 77,
    lastSenderReport: report.compactNtp,
    delaySinceLastSenderReport: 65_536,
  }
  const [back] = parseRtcp(writeReceiverReport(8, [block], 'tapedeck'))
  assert.deepEqual(back, { kind: 'receiverReport', ssrc: 8, reports: [block] })
  assert.deepEqual(parseRtcp(writeBye(7)), [{ kind: 'bye', ssrcs: [7] }])
  assert.deepEqual(parseRtcp(writePictureLoss(1, 7)), [{ kind: 'pictureLoss', ssrc: 7 }])
})

test('times of both NTP eras are read, no time is none (RFC 5905 §6)', () => {
  for (const wallClockMs of [Date.UTC(2035, 0, 1), Date.UTC(2040, 0, 1)]) {
    const [report] = parseRtcp(
      writeSenderReport({ ssrc: 1, wallClockMs, rtpTimestamp: 0, packets: 0, payloadBytes: 0 }, 'x'),
    )
    assert.ok(report?.kind === 'senderReport')
    assert.ok(Math.abs(report.wallClockMs - wallClockMs) < 0.001)
  }
  const [none] = parseRtcp(hex('80c80006 00000001 00000000 00000000 00000000 00000000 00000000'))
  assert.ok(none?.kind === 'senderReport' && Number.isNaN(none.wallClockMs))
})

test('a negative acknowledgement lists what is missing (RFC 4585 §6.2.1)', () => {
  assert.deepEqual(parseRtcp(hex('81cd0003 00000001 00000002 fffe0005')), [
    { kind: 'nack', ssrc: 2, sequenceNumbers: [0xfffe, 0xffff, 1] },
  ])
})

test('a reception counts losses and cycles (RFC 3550 appendix A.3)', () => {
  const reception = new Reception(5, 90_000)
  const packet = new RtpPacket()
  const receive = (sequenceNumber: number, atMs: number) => {
    const timestamp = (atMs * 90) >>> 0
    packet.parse(
      writeRtpPacket({ payloadType: 96, marker: false, sequenceNumber, timestamp, ssrc: 5 }, new Uint8Array(1)),
    )
    reception.packet(packet, atMs)
  }
  receive(65_534, 0)
  receive(65_535, 10)
  receive(2, 40)
  const report = reception.report(1000)
  assert.equal(report.highestSequenceNumber, 0x10002)
  assert.equal(report.cumulativeLost, 2)
  assert.equal(report.fractionLost, 2 / 5)
  assert.equal(report.jitter, 0)
  assert.equal(report.delaySinceLastSenderReport, 0)
  receive(3, 50)
  assert.equal(reception.report(2000).fractionLost, 0)
})

/**
 * Plays two hours of a source whose clocks run at their own speeds and whose packets arrive late at random.
 * @returns how far sound and picture are apart at worst, from the given minute on, and by how much time went backwards
 */
function drift(options: {
  videoPpm: number
  audioPpm: number
  ourPpm: number
  reports: boolean
  audioStartMs: number
}) {
  const source = new SourceClock()
  const video = source.track(90_000, 'video')
  const audio = source.track(48_000)
  let seed = 1
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  let worstMs = 0
  let backwards = 0
  let last = { video: -1, audio: -1 }
  for (let sourceMs = 0; sourceMs < 7_200_000; sourceMs += 100) {
    const ourMs = sourceMs * (1 + options.ourPpm / 1e6) + 5
    const videoRtp = Math.round(sourceMs * 90 * (1 + options.videoPpm / 1e6) + 4_000_000_000) % 2 ** 32
    const audioRtp = Math.round(sourceMs * 48 * (1 + options.audioPpm / 1e6) + 77) % 2 ** 32
    if (options.reports && sourceMs % 5000 === 0) {
      const facts = { packets: 0, payloadBytes: 0, wallClockMs: 1_700_000_000_000 + sourceMs }
      for (const [clock, ssrc, rtpTimestamp] of [
        [video, 1, videoRtp],
        [audio, 2, audioRtp],
      ] as const) {
        const [report] = parseRtcp(writeSenderReport({ ...facts, ssrc, rtpTimestamp }, 'x'))
        if (report?.kind === 'senderReport') clock.senderReport(report, ourMs)
      }
    }
    const videoMs = video.ticks(videoRtp, ourMs + random() * 30) / 90
    if (sourceMs < options.audioStartMs) continue
    const audioMs = audio.ticks(audioRtp, ourMs + random() * 30) / 48
    if (videoMs < last.video || audioMs < last.audio) backwards++
    last = { video: videoMs, audio: audioMs }
    if (sourceMs > 60_000) worstMs = Math.max(worstMs, Math.abs(videoMs - audioMs))
  }
  return { worstMs, backwards }
}

test('after two hours of drifting clocks sound and picture are together, and no time went backwards', () => {
  for (const audioPpm of [-100, 0, 100]) {
    for (const audioStartMs of [0, 3_000]) {
      const reported = drift({ videoPpm: 100, audioPpm, ourPpm: 50, reports: true, audioStartMs })
      assert.ok(reported.worstMs < 5, `with reports ${reported.worstMs} ms apart (${audioPpm} ppm)`)
      assert.equal(reported.backwards, 0)
      const unreported = drift({ videoPpm: 100, audioPpm, ourPpm: 50, reports: false, audioStartMs })
      assert.ok(unreported.worstMs < 60, `without reports ${unreported.worstMs} ms apart (${audioPpm} ppm)`)
      assert.equal(unreported.backwards, 0)
    }
  }
})

test('late first reports move the pictures, gradually, and leave the sound where it is', () => {
  const source = new SourceClock()
  const [video, audio] = [source.track(90_000, 'video'), source.track(48_000, 'audio')]
  // Pictures are 150 ms later than sound on their way, as a large first one makes them.
  const report = (clock: typeof video, ssrc: number, rtpTimestamp: number, sourceMs: number) => {
    const facts = { ssrc, rtpTimestamp, packets: 0, payloadBytes: 0, wallClockMs: 1_700_000_000_000 + sourceMs }
    const [parsed] = parseRtcp(writeSenderReport(facts, 'x'))
    assert.ok(parsed?.kind === 'senderReport' && clock.senderReport(parsed, sourceMs))
  }
  let lastVideoMs = Number.NEGATIVE_INFINITY
  let apartMs = 0
  for (let ms = 0; ms < 8_000; ms += 20) {
    const audioMs = audio.ticks(ms * 48, ms) / 48
    assert.equal(audioMs, ms)
    if (ms % 40 === 0) {
      const videoMs = video.ticks(ms * 90, ms + 150) / 90
      assert.ok((videoMs - lastVideoMs > 0 && Math.abs(videoMs - lastVideoMs - 40) <= 10) || ms === 0)
      lastVideoMs = videoMs
      apartMs = videoMs - audioMs
    }
    if (ms === 500) report(video, 1, ms * 90, ms)
    if (ms === 2_600) {
      assert.equal(apartMs, 150)
      report(audio, 2, ms * 48, ms)
    }
    if (ms === 3_600) assert.ok(Math.abs(apartMs) <= 11, `${apartMs} ms apart a second later`)
  }
  assert.ok(Math.abs(apartMs) < 1)
  assert.equal(source.wallClockAtZeroMs, 1_700_000_000_000)
})

test('what arrives all at once after the network stood still keeps its times', () => {
  const clock = new SourceClock().track(90_000)
  clock.ticks(0, 0)
  for (let index = 1; index <= 300; index++) clock.ticks(index * 3600, 15_000 + index)
  assert.equal(clock.ticks(301 * 3600, 15_400), 301 * 3600)
})

test('timestamps that begin anew go on from where they were', () => {
  const clock = new SourceClock().track(90_000)
  assert.equal(clock.ticks(1_000_000, 50), 0)
  assert.equal(clock.ticks(1_009_000, 150), 9_000)
  assert.equal(clock.ticks(5, 250), 18_000)
  assert.equal(clock.ticks(9_005, 350), 27_000)
})

test('reports of a clock that has nothing to do with the packets are not believed', () => {
  const source = new SourceClock()
  const [video, audio] = [source.track(90_000, 'video'), source.track(8_000)]
  video.ticks(0, 0)
  audio.ticks(0, 0)
  const report = (wallClockMs: number) => {
    const [parsed] = parseRtcp(
      writeSenderReport({ ssrc: 1, wallClockMs, rtpTimestamp: 0, packets: 0, payloadBytes: 0 }, 'x'),
    )
    assert.ok(parsed?.kind === 'senderReport')
    return parsed
  }
  assert.ok(video.senderReport(report(1_700_000_000_000), 0))
  assert.equal(audio.senderReport(report(1_000_000), 0), false)
  assert.equal(source.wallClockAtZeroMs, 1_700_000_000_000)
})
