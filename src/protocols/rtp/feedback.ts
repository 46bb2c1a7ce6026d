import { put32, u16, u32 } from './packet.ts'
import { RTCP_TYPE, writeRtcpHead } from './rtcp-head.ts'

/** Formats of feedback messages: RFC 4585 §6.2.1, draft-alvestrand-rmcat-remb-03 §2.2, draft-holmer-…-01 §3.1. */
const NACK = 1
export const REMB = 15
export const TRANSPORT_WIDE = 15

/** Bits of the mask that follows a sequence number: so many packets behind it can be asked for with it. */
const MASK_BITS = 16

/**
 * Asks for packets (RFC 4585 §6.2.1).
 * @param sequenceNumbers in order, as 16-bit numbers that may wrap; at most 300, or the packet does not fit a datagram
 */
export function writeNack(senderSsrc: number, mediaSsrc: number, sequenceNumbers: readonly number[]): Uint8Array {
  const entries: number[] = []
  for (let at = 0; at < sequenceNumbers.length; ) {
    const first = sequenceNumbers[at++] ?? 0
    let mask = 0
    for (; at < sequenceNumbers.length; at++) {
      const behind = ((sequenceNumbers[at] ?? 0) - first) & 0xffff
      if (behind === 0) continue
      if (behind > MASK_BITS) break
      mask |= 1 << (behind - 1)
    }
    entries.push(((first << 16) | mask) >>> 0)
  }
  const packet = new Uint8Array(12 + 4 * entries.length)
  writeRtcpHead(packet, NACK, RTCP_TYPE.transportFeedback, senderSsrc)
  put32(packet, 8, mediaSsrc)
  for (const [index, entry] of entries.entries()) put32(packet, 12 + 4 * index, entry)
  return packet
}

/** How much a receiver can take, of all these sources together (draft-alvestrand-rmcat-remb-03 §2.2). */
export interface BandwidthEstimate {
  readonly kind: 'bandwidth'
  /** Whose estimate it is. */
  readonly ssrc: number
  readonly bitrateBps: number
  readonly ssrcs: readonly number[]
}

/** "REMB". */
const REMB_NAME = 0x52454d42
const REMB_MANTISSA_BITS = 18

/** @param ssrcs the sources meant, at most 255  @param bitrateBps bits per second, of all of them together */
export function writeRemb(senderSsrc: number, bitrateBps: number, ssrcs: readonly number[]): Uint8Array {
  const named = ssrcs.slice(0, 255)
  const packet = new Uint8Array(20 + 4 * named.length)
  writeRtcpHead(packet, REMB, RTCP_TYPE.payloadFeedback, senderSsrc)
  put32(packet, 12, REMB_NAME)
  let exponent = 0
  let mantissa = Math.max(0, Math.floor(bitrateBps))
  while (mantissa >= 2 ** REMB_MANTISSA_BITS) {
    mantissa = Math.floor(mantissa / 2)
    exponent++
  }
  put32(packet, 16, named.length * 2 ** 24 + exponent * 2 ** REMB_MANTISSA_BITS + mantissa)
  for (const [index, ssrc] of named.entries()) put32(packet, 20 + 4 * index, ssrc)
  return packet
}

/** One RTCP packet of format REMB; undefined when it is none, or malformed. */
export function readRemb(bytes: Uint8Array): BandwidthEstimate | undefined {
  if (bytes.length < 20 || u32(bytes, 12) !== REMB_NAME) return undefined
  const word = u32(bytes, 16)
  const ssrcs: number[] = []
  for (let at = 20; ssrcs.length < word >>> 24 && at + 4 <= bytes.length; at += 4) ssrcs.push(u32(bytes, at))
  const exponent = (word >>> REMB_MANTISSA_BITS) & 0x3f
  const bitrateBps = (word & (2 ** REMB_MANTISSA_BITS - 1)) * 2 ** exponent
  return { kind: 'bandwidth', ssrc: u32(bytes, 4), bitrateBps, ssrcs }
}

/** Arrivals are told in units of 250 µs. */
export const TICKS_PER_MS = 4
/** The reference time counts 64 ms, in 24 bits. */
const TICKS_PER_REFERENCE = 256
const REFERENCE_MODULUS = 2 ** 24
/** So many fit a datagram, whatever they are: 2 bits and up to 16 each. */
export const MAX_TRANSPORT_STATUSES = 512

/** Symbols of a status (draft-holmer-…-01 §3.1.1). */
const NOT_RECEIVED = 0
const SMALL_DELTA = 1
const LARGE_DELTA = 2
/** Symbols of one bit, and of two, in a status vector. */
const ONE_BIT_SYMBOLS = 14
const TWO_BIT_SYMBOLS = 7
const MAX_RUN = 0x1fff
/** In the first byte of an RTCP packet (RFC 3550 §6.4.1). */
const HAS_PADDING = 0x20

/** What is told of packets, in a row, of one transport. */
export interface TransportArrivals {
  readonly senderSsrc: number
  /** One of the sources that use the transport. */
  readonly mediaSsrc: number
  /** 16 bits. */
  readonly firstSequence: number
  /** How many are to be told, from the first on; at most `MAX_TRANSPORT_STATUSES` are. */
  readonly statuses: number
  /** Of reports, 8 bits: tells the sender that one was lost. */
  readonly count: number
  /** When a packet came, whole ticks of 250 µs of any clock; negative: it did not. */
  readonly arrivalTicks: (sequence: number) => number
}

/**
 * One report of arrivals (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). It ends early where two arrivals are
 * further apart than can be said.
 * @returns how many packets it tells of; no bytes when none of them has come
 */
export function writeTransportFeedback(arrivals: TransportArrivals): {
  readonly bytes: Uint8Array | undefined
  readonly statuses: number
} {
  const { firstSequence, arrivalTicks } = arrivals
  const most = Math.min(arrivals.statuses, MAX_TRANSPORT_STATUSES)
  const symbols = new Uint8Array(most)
  const deltas: number[] = []
  let reference = -1
  let last = 0
  let statuses = 0
  let deltaBytes = 0
  for (; statuses < most; statuses++) {
    const ticks = arrivalTicks((firstSequence + statuses) & 0xffff)
    if (ticks < 0) continue
    if (reference === -1) {
      reference = Math.floor(ticks / TICKS_PER_REFERENCE)
      last = reference * TICKS_PER_REFERENCE
    }
    const delta = ticks - last
    if (delta < -0x8000 || delta > 0x7fff) break
    last = ticks
    const isSmall = delta >= 0 && delta <= 0xff
    symbols[statuses] = isSmall ? SMALL_DELTA : LARGE_DELTA
    deltaBytes += isSmall ? 1 : 2
    deltas.push(delta)
  }
  if (reference === -1) return { bytes: undefined, statuses }
  const chunks = statusChunks(symbols.subarray(0, statuses))
  const bytes = new Uint8Array((20 + 2 * chunks.length + deltaBytes + 3) & ~3)
  writeRtcpHead(bytes, TRANSPORT_WIDE, RTCP_TYPE.transportFeedback, arrivals.senderSsrc)
  put32(bytes, 8, arrivals.mediaSsrc)
  put32(bytes, 12, ((firstSequence << 16) | statuses) >>> 0)
  put32(bytes, 16, (reference % REFERENCE_MODULUS) * 256 + (arrivals.count & 0xff))
  let at = 20
  for (const chunk of chunks) {
    bytes[at++] = chunk >>> 8
    bytes[at++] = chunk
  }
  for (const delta of deltas) {
    if (delta < 0 || delta > 0xff) bytes[at++] = delta >> 8
    bytes[at++] = delta
  }
  if (at < bytes.length) {
    bytes[0] = (bytes[0] ?? 0) | HAS_PADDING
    bytes[bytes.length - 1] = bytes.length - at
  }
  return { bytes, statuses }
}

/** §3.1.2 and §3.1.3: a run of one symbol, or a vector of one or two bits each, whichever tells more. */
function statusChunks(symbols: Uint8Array): number[] {
  const chunks: number[] = []
  for (let at = 0; at < symbols.length; ) {
    const symbol = symbols[at] ?? NOT_RECEIVED
    let run = 1
    while (run < MAX_RUN && symbols[at + run] === symbol) run++
    if (run >= ONE_BIT_SYMBOLS || at + run === symbols.length) {
      chunks.push((symbol << 13) | run)
      at += run
      continue
    }
    const isOneBit = !hasLargeDelta(symbols, at, at + ONE_BIT_SYMBOLS)
    const width = isOneBit ? ONE_BIT_SYMBOLS : TWO_BIT_SYMBOLS
    const bits = isOneBit ? 1 : 2
    let chunk = isOneBit ? 0x8000 : 0xc000
    for (let index = 0; index < width; index++) {
      chunk |= (symbols[at + index] ?? NOT_RECEIVED) << (bits * (width - 1 - index))
    }
    chunks.push(chunk)
    at += width
  }
  return chunks
}

function hasLargeDelta(symbols: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (symbols[at] === LARGE_DELTA) return true
  return false
}

/** What a receiver says of packets, in a row, of one transport. */
export interface TransportFeedbackReport {
  readonly kind: 'transportFeedback'
  readonly ssrc: number
  readonly mediaSsrc: number
  readonly firstSequence: number
  /** Of reports, 8 bits. */
  readonly count: number
  /** When each came, from the first sequence number on: milliseconds of the receiver's clock modulo 2^30; undefined: it did not. */
  readonly arrivalsMs: readonly (number | undefined)[]
}

/** One RTCP packet of the transport-wide format; undefined when it is malformed. */
export function readTransportFeedback(bytes: Uint8Array): TransportFeedbackReport | undefined {
  if (bytes.length < 20) return undefined
  const statuses = u16(bytes, 14)
  const symbols = new Uint8Array(statuses)
  let at = 20
  for (let told = 0; told < statuses; at += 2) {
    if (at + 2 > bytes.length) return undefined
    const chunk = u16(bytes, at)
    if (chunk < 0x8000) {
      const run = Math.min(chunk & MAX_RUN, statuses - told)
      // One that never ends.
      if (run === 0) return undefined
      symbols.fill((chunk >>> 13) & 3, told, told + run)
      told += run
      continue
    }
    const bits = chunk < 0xc000 ? 1 : 2
    const width = bits === 1 ? ONE_BIT_SYMBOLS : TWO_BIT_SYMBOLS
    for (let index = 0; index < width && told < statuses; index++) {
      symbols[told++] = (chunk >>> (bits * (width - 1 - index))) & (bits === 1 ? 1 : 3)
    }
  }
  let ticks = (u32(bytes, 16) >>> 8) * TICKS_PER_REFERENCE
  const arrivalsMs: (number | undefined)[] = []
  for (const symbol of symbols) {
    const deltaBytes = symbol === SMALL_DELTA ? 1 : symbol === LARGE_DELTA ? 2 : 0
    if (at + deltaBytes > bytes.length) return undefined
    if (deltaBytes === 1) ticks += bytes[at] ?? 0
    if (deltaBytes === 2) ticks += (u16(bytes, at) << 16) >> 16
    at += deltaBytes
    arrivalsMs.push(deltaBytes === 0 ? undefined : ticks / TICKS_PER_MS)
  }
  return {
    kind: 'transportFeedback',
    ssrc: u32(bytes, 4),
    mediaSsrc: u32(bytes, 8),
    firstSequence: u16(bytes, 12),
    count: bytes[19] ?? 0,
    arrivalsMs,
  }
}
