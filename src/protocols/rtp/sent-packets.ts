import { put32, RTP_HEADER_BYTES, u16 } from './packet.ts'

/** Asked for again sooner than this, a packet that was sent again is still on its way. */
const AGAIN_AFTER_MS = 20

/**
 * The newest packets of one source, to be sent again when the receiver says that they did not come (RFC 4585 §6.2.1).
 * A ring: the oldest make room.
 */
export class SentPackets {
  readonly #packets: (Uint8Array | undefined)[]
  readonly #againMs: Float64Array
  readonly #mask: number

  /** @param capacity packets, a power of two that divides 2^16 */
  constructor(capacity: number) {
    this.#packets = new Array<Uint8Array | undefined>(capacity)
    this.#againMs = new Float64Array(capacity)
    this.#mask = capacity - 1
  }

  /** Keeps a packet, whose memory is the ring's from now on. */
  add(packet: Uint8Array): void {
    const at = u16(packet, 2) & this.#mask
    this.#packets[at] = packet
    this.#againMs[at] = Number.NEGATIVE_INFINITY
  }

  /** The packet to send again; undefined: it is too old to be here, was never sent, or has just been sent again. */
  again(sequenceNumber: number, nowMs: number): Uint8Array | undefined {
    const at = sequenceNumber & this.#mask
    const packet = this.#packets[at]
    if (packet === undefined || u16(packet, 2) !== sequenceNumber) return undefined
    if (nowMs - (this.#againMs[at] ?? 0) < AGAIN_AFTER_MS) return undefined
    this.#againMs[at] = nowMs
    return packet
  }
}

/** How a source sends again: in a stream of its own. */
export interface RetransmissionStream {
  readonly payloadType: number
  readonly ssrc: number
}

/** A packet as its retransmission stream carries it: the original sequence number before the payload (RFC 4588 §4). */
export function wrapRetransmission(
  packet: Uint8Array,
  { payloadType, ssrc }: RetransmissionStream,
  sequenceNumber: number,
): Uint8Array {
  const headBytes = headerBytes(packet)
  const bytes = Buffer.allocUnsafe(packet.length + 2)
  bytes.set(packet.subarray(0, headBytes))
  bytes[1] = ((packet[1] ?? 0) & 0x80) | payloadType
  bytes[2] = sequenceNumber >>> 8
  bytes[3] = sequenceNumber
  put32(bytes, 8, ssrc)
  bytes[headBytes] = packet[2] ?? 0
  bytes[headBytes + 1] = packet[3] ?? 0
  bytes.set(packet.subarray(headBytes), headBytes + 2)
  return bytes
}

/** Header, contributing sources and extension of a packet of ours. */
function headerBytes(packet: Uint8Array): number {
  const first = packet[0] ?? 0
  const fixed = RTP_HEADER_BYTES + 4 * (first & 0x0f)
  return (first & 0x10) === 0 ? fixed : fixed + 4 + 4 * u16(packet, fixed + 2)
}
