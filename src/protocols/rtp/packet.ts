const NOTHING = new Uint8Array(0)
/** Of a packet without contributing sources and extension. */
export const RTP_HEADER_BYTES = 12

/**
 * One RTP packet (RFC 3550 §5.1) as a reusable view: `parse` fills the fields from a datagram, whose memory it borrows.
 * What has to outlive the call that handed the packet over is copied by whoever keeps it.
 */
export class RtpPacket {
  bytes: Uint8Array = NOTHING
  /** The payload without padding is `bytes[payloadStart, payloadEnd)`. It may be empty (probes, keep-alives). */
  payloadStart = 0
  payloadEnd = 0
  marker = false
  payloadType = 0
  /** 16 bits. */
  sequenceNumber = 0
  /** 32 bits, in ticks of the payload type's clock. */
  timestamp = 0
  ssrc = 0
  /** The header extension's content, `bytes[extensionStart, extensionEnd)`; empty when there is none. */
  extensionProfile = 0
  extensionStart = 0
  extensionEnd = 0

  /** False when the datagram is no RTP packet; the fields then mean nothing. */
  parse(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    if (end - start < RTP_HEADER_BYTES) return false
    const first = bytes[start] ?? 0
    if (first >> 6 !== 2) return false
    const second = bytes[start + 1] ?? 0
    let at = start + RTP_HEADER_BYTES + 4 * (first & 0x0f)
    this.extensionProfile = 0
    this.extensionStart = at
    this.extensionEnd = at
    if ((first & 0x10) !== 0) {
      if (at + 4 > end) return false
      this.extensionProfile = u16(bytes, at)
      this.extensionStart = at + 4
      this.extensionEnd = at + 4 + 4 * u16(bytes, at + 2)
      at = this.extensionEnd
    }
    let payloadEnd = end
    if ((first & 0x20) !== 0) {
      const paddingBytes = bytes[end - 1] ?? 0
      if (paddingBytes === 0) return false
      payloadEnd -= paddingBytes
    }
    if (at > payloadEnd) return false
    this.bytes = bytes
    this.payloadStart = at
    this.payloadEnd = payloadEnd
    this.marker = (second & 0x80) !== 0
    this.payloadType = second & 0x7f
    this.sequenceNumber = u16(bytes, start + 2)
    this.timestamp = u32(bytes, start + 4)
    this.ssrc = u32(bytes, start + 8)
    return true
  }

  get payloadBytes(): number {
    return this.payloadEnd - this.payloadStart
  }

  /** A view, new each time. */
  get payload(): Uint8Array {
    return this.bytes.subarray(this.payloadStart, this.payloadEnd)
  }
}

/** Fields of a packet to be written. */
export interface RtpHeader {
  readonly payloadType: number
  readonly marker: boolean
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly ssrc: number
}

/** A packet with neither padding nor extensions. */
export function writeRtpPacket(header: RtpHeader, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RTP_HEADER_BYTES + payload.length)
  bytes[0] = 0x80
  bytes[1] = (header.marker ? 0x80 : 0) | (header.payloadType & 0x7f)
  bytes[2] = header.sequenceNumber >>> 8
  bytes[3] = header.sequenceNumber
  put32(bytes, 4, header.timestamp)
  put32(bytes, 8, header.ssrc)
  bytes.set(payload, RTP_HEADER_BYTES)
  return bytes
}

/** RTCP packet types that share a port with RTP (RFC 5761 §4): 192 to 223. */
export function isRtcp(bytes: Uint8Array, start = 0): boolean {
  const second = bytes[start + 1] ?? 0
  return second >= 192 && second <= 223
}

/** Big-endian. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** Big-endian, unsigned. */
export function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0
}

/** Big-endian; the value is taken modulo 2^32. */
export function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
