import { CLOCK_WRAP_TICKS } from './packet.ts'

/** stream_id. H.222.0, table 2-22: video stream 0, audio stream 0, private_stream_1 (AC-3, E-AC-3, Opus). */
export const StreamId = { video: 0xe0, audio: 0xc0, private1: 0xbd } as const

/** Header bytes before PES_packet_length ends counting: start code prefix, stream_id, PES_packet_length itself. */
export const PES_PREFIX_BYTES = 6

/** PTS and DTS with one stuffing byte: the longest header we write. */
export const MAX_PES_HEADER_BYTES = 20

/** Largest PES_packet_length; beyond it video says 0, "until the next one starts". */
const MAX_PES_PACKET_LENGTH = 0xffff

export interface PesHeaderFields {
  readonly streamId: number
  /** In 90 kHz ticks, before wrapping. */
  readonly pts: number
  readonly dts: number
  /** Bytes of elementary stream that follow. */
  readonly payloadBytes: number
  /** Adds one stuffing byte to the header. */
  readonly stuffed: boolean
}

/** Bytes of the header for these times: a DTS equal to the PTS is left out. */
export function pesHeaderBytes(pts: number, dts: number, stuffed: boolean): number {
  return (pts === dts ? 14 : 19) + (stuffed ? 1 : 0)
}

/** Whether PES_packet_length cannot say how long the packet is. */
export function isUnbounded(headerBytes: number, payloadBytes: number): boolean {
  return headerBytes - PES_PREFIX_BYTES + payloadBytes > MAX_PES_PACKET_LENGTH
}

/** Writes a PES packet header into `out` and returns its length. H.222.0 §2.4.3.6. */
export function writePesHeader(out: Uint8Array, fields: PesHeaderFields): number {
  const { pts, dts, payloadBytes, stuffed } = fields
  const headerBytes = pesHeaderBytes(pts, dts, stuffed)
  const unbounded = isUnbounded(headerBytes, payloadBytes)
  const packetLength = unbounded ? 0 : headerBytes - PES_PREFIX_BYTES + payloadBytes
  const hasDts = pts !== dts
  out[0] = 0 // packet_start_code_prefix
  out[1] = 0
  out[2] = 1
  out[3] = fields.streamId
  out[4] = packetLength >> 8
  out[5] = packetLength & 0xff
  out[6] = 0x84 // '10', no scrambling, no priority, data_alignment_indicator, no copyright, copy
  out[7] = hasDts ? 0xc0 : 0x80 // PTS_DTS_flags
  out[8] = headerBytes - 9 // PES_header_data_length
  writeTimestamp(out, 9, hasDts ? 0x30 : 0x20, pts)
  if (hasDts) writeTimestamp(out, 14, 0x10, dts)
  if (stuffed) out[headerBytes - 1] = 0xff // stuffing_byte
  return headerBytes
}

/** 33 bits in 5 bytes with marker bits. */
function writeTimestamp(out: Uint8Array, at: number, prefix: number, ticks: number): void {
  const wrapped = wrapTicks(ticks)
  const high = Math.floor(wrapped / 2 ** 30) // bits 32..30
  const low = wrapped % 2 ** 30
  out[at] = prefix | (high << 1) | 1
  out[at + 1] = (low >> 22) & 0xff
  out[at + 2] = ((low >> 14) & 0xfe) | 1
  out[at + 3] = (low >> 7) & 0xff
  out[at + 4] = ((low << 1) & 0xfe) | 1
}

/** Brings a time into 33 bits. */
export function wrapTicks(ticks: number): number {
  const wrapped = ticks % CLOCK_WRAP_TICKS
  return wrapped < 0 ? wrapped + CLOCK_WRAP_TICKS : wrapped
}

/** The time nearest to `nearTicks` that wraps to `wrapped`. */
export function unwrapTicks(wrapped: number, nearTicks: number): number {
  const distance = wrapTicks(wrapped - nearTicks)
  return nearTicks + (distance < CLOCK_WRAP_TICKS / 2 ? distance : distance - CLOCK_WRAP_TICKS)
}

export interface PesHeader {
  readonly headerBytes: number
  /** Elementary stream bytes that follow, undefined when unbounded. */
  readonly payloadBytes: number | undefined
  /** 33 bits. */
  readonly pts: number
  readonly dts: number
}

/** Reads a PES header of the kind written here, or undefined when there is none. H.222.0 §2.4.3.6. */
export function readPesHeader(bytes: Uint8Array): PesHeader | undefined {
  const flags = bytes[7] ?? 0
  const headerBytes = 9 + (bytes[8] ?? 0)
  const startsRight = bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 1
  if (!startsRight || bytes.length < 14 || bytes.length < headerBytes || (flags & 0x80) === 0) return undefined
  const hasDts = (flags & 0x40) !== 0
  if (hasDts && headerBytes < 19) return undefined
  const packetLength = ((bytes[4] ?? 0) << 8) | (bytes[5] ?? 0)
  const pts = readTimestamp(bytes, 9)
  return {
    headerBytes,
    payloadBytes: packetLength === 0 ? undefined : packetLength + PES_PREFIX_BYTES - headerBytes,
    pts,
    dts: hasDts ? readTimestamp(bytes, 14) : pts,
  }
}

function readTimestamp(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) >> 1) & 7
  const middle = ((bytes[at + 1] ?? 0) << 7) | ((bytes[at + 2] ?? 0) >> 1)
  const low = ((bytes[at + 3] ?? 0) << 7) | ((bytes[at + 4] ?? 0) >> 1)
  return high * 2 ** 30 + middle * 2 ** 15 + low
}
