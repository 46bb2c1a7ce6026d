import {
  type BandwidthEstimate,
  REMB,
  readRemb,
  readTransportFeedback,
  TRANSPORT_WIDE,
  type TransportFeedbackReport,
} from './feedback.ts'
import { put32, u16, u32 } from './packet.ts'
import { writeRtcpHead as head, RTCP_TYPE as TYPE } from './rtcp-head.ts'

const CNAME = 1
const NACK = 1
const PLI = 1
const FIR = 4
const MAX_CNAME_BYTES = 255

/** What a receiver says of one source (RFC 3550 §6.4.1). */
export interface ReportBlock {
  readonly ssrc: number
  /** Of the packets expected since the last report, 0 to 1. */
  readonly fractionLost: number
  /** Since the beginning; negative when duplicates outnumber losses. */
  readonly cumulativeLost: number
  /** Extended: the cycles in the upper 16 bits. */
  readonly highestSequenceNumber: number
  /** In ticks of the source's clock. */
  readonly jitter: number
  /** Middle 32 bits of the last sender report's NTP time; 0 when there was none. */
  readonly lastSenderReport: number
  /** Units of 1/65536 s. */
  readonly delaySinceLastSenderReport: number
}

/** Which moment an RTP timestamp was: the source's wall clock. */
export interface SenderReport {
  readonly kind: 'senderReport'
  readonly ssrc: number
  /** Milliseconds since 1970 UTC by the source's clock, with fractions; NaN when the source has no clock (NTP time 0). */
  readonly wallClockMs: number
  /** Middle 32 bits of the NTP time, to be sent back in a report block. */
  readonly compactNtp: number
  readonly rtpTimestamp: number
  readonly packets: number
  readonly payloadBytes: number
  readonly reports: readonly ReportBlock[]
}

/** One packet of a compound RTCP packet. */
export type RtcpPacket =
  | SenderReport
  | { readonly kind: 'receiverReport'; readonly ssrc: number; readonly reports: readonly ReportBlock[] }
  | { readonly kind: 'sourceDescription'; readonly names: ReadonlyMap<number, string> }
  | { readonly kind: 'bye'; readonly ssrcs: readonly number[] }
  | { readonly kind: 'nack'; readonly ssrc: number; readonly sequenceNumbers: readonly number[] }
  | { readonly kind: 'pictureLoss'; readonly ssrc: number }
  | BandwidthEstimate
  | TransportFeedbackReport

/**
 * What a compound packet holds (RFC 3550 §6.1, RFC 4585 §6, RFC 5104 §4.3), as far as it can be read: the rest after
 * something malformed is left out, as are types nobody here needs.
 */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] {
  const packets: RtcpPacket[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const first = bytes[at] ?? 0
    const end = at + 4 + 4 * u16(bytes, at + 2)
    if (first >> 6 !== 2 || end > bytes.length) break
    const packet = parseOne(bytes[at + 1] ?? 0, first & 0x1f, bytes.subarray(at, end))
    if (packet !== undefined) packets.push(packet)
    at = end
  }
  return packets
}

function parseOne(type: number, count: number, bytes: Uint8Array): RtcpPacket | undefined {
  const ssrc = u32(bytes, 4)
  switch (type) {
    case TYPE.senderReport: {
      if (bytes.length < 28) return undefined
      return {
        kind: 'senderReport',
        ssrc,
        wallClockMs: wallClockMs(u32(bytes, 8), u32(bytes, 12)),
        compactNtp: ((u16(bytes, 10) << 16) | u16(bytes, 12)) >>> 0,
        rtpTimestamp: u32(bytes, 16),
        packets: u32(bytes, 20),
        payloadBytes: u32(bytes, 24),
        reports: reportBlocks(bytes, 28, count),
      }
    }
    case TYPE.receiverReport:
      return { kind: 'receiverReport', ssrc, reports: reportBlocks(bytes, 8, count) }
    case TYPE.sourceDescription:
      return { kind: 'sourceDescription', names: canonicalNames(bytes, count) }
    case TYPE.bye: {
      const ssrcs: number[] = []
      for (let at = 4; ssrcs.length < count && at + 4 <= bytes.length; at += 4) ssrcs.push(u32(bytes, at))
      return { kind: 'bye', ssrcs }
    }
    case TYPE.transportFeedback:
      if (count === TRANSPORT_WIDE) return readTransportFeedback(bytes)
      if (count !== NACK || bytes.length < 12) return undefined
      return { kind: 'nack', ssrc: u32(bytes, 8), sequenceNumbers: missing(bytes) }
    case TYPE.payloadFeedback:
      if (count === REMB) return readRemb(bytes)
      if (bytes.length < 12 || (count !== PLI && count !== FIR)) return undefined
      // A full intra request names its source in the entry, not in the header.
      return { kind: 'pictureLoss', ssrc: count === FIR && bytes.length >= 16 ? u32(bytes, 12) : u32(bytes, 8) }
    default:
      return undefined
  }
}

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_TO_UNIX_SECONDS = 2_208_988_800

function wallClockMs(seconds: number, fraction: number): number {
  if (seconds === 0 && fraction === 0) return Number.NaN
  // The era that began in 2036 has small numbers.
  const era = seconds < 0x8000_0000 ? 2 ** 32 : 0
  return (seconds + era - NTP_TO_UNIX_SECONDS) * 1000 + (fraction * 1000) / 2 ** 32
}

function reportBlocks(bytes: Uint8Array, start: number, count: number): ReportBlock[] {
  const reports: ReportBlock[] = []
  for (let at = start; reports.length < count && at + 24 <= bytes.length; at += 24) {
    const lost = u32(bytes, at + 4) & 0xffffff
    reports.push({
      ssrc: u32(bytes, at),
      fractionLost: (bytes[at + 4] ?? 0) / 256,
      cumulativeLost: lost >= 0x800000 ? lost - 0x1000000 : lost,
      highestSequenceNumber: u32(bytes, at + 8),
      jitter: u32(bytes, at + 12),
      lastSenderReport: u32(bytes, at + 16),
      delaySinceLastSenderReport: u32(bytes, at + 20),
    })
  }
  return reports
}

function canonicalNames(bytes: Uint8Array, count: number): Map<number, string> {
  const names = new Map<number, string>()
  let at = 4
  for (let chunk = 0; chunk < count && at + 4 <= bytes.length; chunk++) {
    const ssrc = u32(bytes, at)
    at += 4
    while (at + 2 <= bytes.length && bytes[at] !== 0) {
      const end = at + 2 + (bytes[at + 1] ?? 0)
      if (end > bytes.length) return names
      if (bytes[at] === CNAME) names.set(ssrc, Buffer.from(bytes.subarray(at + 2, end)).toString('utf8'))
      at = end
    }
    // The list ends with a zero, padded to the next 32-bit boundary.
    at = (at + 4) & ~3
  }
  return names
}

function missing(bytes: Uint8Array): number[] {
  const sequenceNumbers: number[] = []
  for (let at = 12; at + 4 <= bytes.length; at += 4) {
    const first = u16(bytes, at)
    sequenceNumbers.push(first)
    const mask = u16(bytes, at + 2)
    for (let bit = 0; bit < 16; bit++) if ((mask & (1 << bit)) !== 0) sequenceNumbers.push((first + bit + 1) & 0xffff)
  }
  return sequenceNumbers
}

/** What a sender knows of itself. */
export interface SenderFacts {
  readonly ssrc: number
  readonly wallClockMs: number
  /** Of the moment `wallClockMs`. */
  readonly rtpTimestamp: number
  readonly packets: number
  readonly payloadBytes: number
}

/** A sender report with the source description that must follow it. */
export function writeSenderReport(facts: SenderFacts, name: string): Uint8Array {
  const report = new Uint8Array(28)
  head(report, 0, TYPE.senderReport, facts.ssrc)
  const seconds = Math.floor(facts.wallClockMs / 1000)
  put32(report, 8, seconds + NTP_TO_UNIX_SECONDS)
  put32(report, 12, Math.floor(((facts.wallClockMs - seconds * 1000) / 1000) * 2 ** 32))
  put32(report, 16, facts.rtpTimestamp)
  put32(report, 20, facts.packets)
  put32(report, 24, facts.payloadBytes)
  return joined(report, sourceDescription(facts.ssrc, name))
}

/** A receiver report about at most 31 sources, with the source description that must follow it. */
export function writeReceiverReport(ssrc: number, reports: readonly ReportBlock[], name: string): Uint8Array {
  const blocks = reports.slice(0, 31)
  const report = new Uint8Array(8 + 24 * blocks.length)
  head(report, blocks.length, TYPE.receiverReport, ssrc)
  for (const [index, block] of blocks.entries()) {
    const at = 8 + 24 * index
    put32(report, at, block.ssrc)
    const lost = Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost))
    put32(report, at + 4, (Math.min(255, Math.floor(block.fractionLost * 256)) << 24) | (lost & 0xffffff))
    put32(report, at + 8, block.highestSequenceNumber)
    put32(report, at + 12, block.jitter)
    put32(report, at + 16, block.lastSenderReport)
    put32(report, at + 20, block.delaySinceLastSenderReport)
  }
  return joined(report, sourceDescription(ssrc, name))
}

/** Asks for a random access point (RFC 4585 §6.3.1). */
export function writePictureLoss(senderSsrc: number, mediaSsrc: number): Uint8Array {
  const packet = new Uint8Array(12)
  head(packet, PLI, TYPE.payloadFeedback, senderSsrc)
  put32(packet, 8, mediaSsrc)
  return packet
}

/** A source says goodbye. */
export function writeBye(ssrc: number): Uint8Array {
  const packet = new Uint8Array(8)
  head(packet, 1, TYPE.bye, ssrc)
  return packet
}

function sourceDescription(ssrc: number, name: string): Uint8Array {
  const text = Buffer.from(name).subarray(0, MAX_CNAME_BYTES)
  // Header, SSRC, item, and at least one zero, to a multiple of four.
  const packet = new Uint8Array((8 + 2 + text.length + 4) & ~3)
  head(packet, 1, TYPE.sourceDescription, ssrc)
  packet[8] = CNAME
  packet[9] = text.length
  packet.set(text, 10)
  return packet
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}
