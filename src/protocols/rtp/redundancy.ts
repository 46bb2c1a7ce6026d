import { put32, RTP_HEADER_BYTES, type RtpPacket, u16, writeRtpPacket } from './packet.ts'

/** RFC 2198 §3: another block follows. */
const FOLLOWS = 0x80
const BLOCK_HEADER_BYTES = 4
/** More blocks than anybody sends. */
const MAX_BLOCKS = 8

/**
 * Packets that repeat those before them (RFC 2198): what is lost comes again with the next, without being asked for.
 * `read` finds the blocks of one; they are those of the packets right before it, as browsers send them.
 */
export class Redundancy {
  /** How many packets before it the packet repeats. */
  earlier = 0
  #packet: RtpPacket | undefined
  readonly #offsets = new Int32Array(MAX_BLOCKS)
  readonly #starts = new Int32Array(MAX_BLOCKS + 1)
  #payloadType = 0

  /** False when the packet is malformed. It is borrowed until the next call. */
  read(packet: RtpPacket): boolean {
    const { bytes, payloadStart, payloadEnd } = packet
    this.#packet = packet
    let at = payloadStart
    let blocks = 0
    let length = 0
    while (at < payloadEnd && ((bytes[at] ?? 0) & FOLLOWS) !== 0) {
      if (blocks === MAX_BLOCKS || at + BLOCK_HEADER_BYTES > payloadEnd) return false
      const word = (u16(bytes, at + 1) << 8) | (bytes[at + 3] ?? 0)
      this.#offsets[blocks] = word >>> 10
      this.#starts[blocks] = length
      length += word & 0x3ff
      at += BLOCK_HEADER_BYTES
      blocks++
    }
    if (at >= payloadEnd || at + 1 + length > payloadEnd) return false
    this.#payloadType = (bytes[at] ?? 0) & 0x7f
    for (let block = 0; block < blocks; block++) this.#starts[block] = (this.#starts[block] ?? 0) + at + 1
    this.#starts[blocks] = at + 1 + length
    this.earlier = blocks
    return true
  }

  /** Of the last block, which is the packet itself. */
  get payloadType(): number {
    return this.#payloadType
  }

  /**
   * A packet before this one, new memory; undefined when the block is empty.
   * @param before 1: the one right before it
   */
  packetBefore(before: number): Uint8Array | undefined {
    const packet = this.#packet
    const block = this.earlier - before
    if (packet === undefined || block < 0) return undefined
    const payload = packet.bytes.subarray(this.#starts[block] ?? 0, this.#starts[block + 1] ?? 0)
    if (payload.length === 0) return undefined
    const sequenceNumber = (packet.sequenceNumber - before) & 0xffff
    const timestamp = (packet.timestamp - (this.#offsets[block] ?? 0)) >>> 0
    const { ssrc } = packet
    return writeRtpPacket({ payloadType: this.#payloadType, marker: false, sequenceNumber, timestamp, ssrc }, payload)
  }

  /** The packet without what it repeats, within its own memory: its header moves. Call it last. */
  unwrapped(): Uint8Array {
    const packet = this.#packet
    if (packet === undefined) return new Uint8Array(0)
    const { bytes, payloadEnd, marker, sequenceNumber, timestamp, ssrc } = packet
    const start = (this.#starts[this.earlier] ?? 0) - RTP_HEADER_BYTES
    const plain = bytes.subarray(start, payloadEnd)
    plain[0] = 0x80
    plain[1] = (marker ? 0x80 : 0) | this.#payloadType
    plain[2] = sequenceNumber >>> 8
    plain[3] = sequenceNumber
    put32(plain, 4, timestamp)
    put32(plain, 8, ssrc)
    return plain
  }
}
