import { randomBytes } from 'node:crypto'
import type { AccessUnit } from '#media/access-unit.ts'
import { bytesEqual } from '#media/bytes.ts'
import { rescale } from '#media/clock.ts'
import type { TrackFormat } from '#media/track.ts'
import { put32, RTP_HEADER_BYTES } from '#protocols/rtp/packet.ts'
import type { Packetizer, PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { withParameterSets } from './parameter-sets.ts'

/** Payload of a packet: with every header around it, it passes networks of 1500 bytes, tunnels included. */
const MAX_PAYLOAD_BYTES = 1400

/** Room before each packet for the head of an interleaved frame. */
export const FRAME_HEAD_BYTES = 4

const NAME = 'tapedeck'

/** Access units of one track → RTP packets of one source, and its reports. */
export class TrackSender {
  readonly trackId: number
  readonly #offered: TrackFormat
  readonly #payloadType: number
  readonly #clockRateHz: number
  readonly #payloadFormat: PayloadFormat
  /** A packetizer belongs to the format it was made for. */
  #format: TrackFormat
  #packetizer: Packetizer
  readonly #ssrc: number
  /** RTP timestamp of the stream's zero. */
  readonly #zero: number
  #sequenceNumber: number
  #packets = 0
  #payloadBytes = 0
  #lastSeconds = 0

  constructor(format: TrackFormat, payloadFormat: PayloadFormat, payloadType: number) {
    const random = randomBytes(10)
    this.trackId = format.trackId
    this.#offered = format
    this.#format = format
    this.#payloadType = payloadType
    this.#payloadFormat = payloadFormat
    this.#clockRateHz = payloadFormat.clockRateHz(format)
    this.#packetizer = payloadFormat.packetizer(format)
    this.#ssrc = random.readUInt32BE(0)
    this.#zero = random.readUInt32BE(4)
    this.#sequenceNumber = random.readUInt16BE(8)
  }

  get ssrc(): number {
    return this.#ssrc
  }

  /** Of the next packet. */
  get sequenceNumber(): number {
    return this.#sequenceNumber
  }

  /** Whether the player, who knows only what was offered to him, can go on with a new format. */
  continues(format: TrackFormat): boolean {
    if (format === this.#offered) return true
    const { codec, configuration } = this.#offered
    if (format.codec !== codec || this.#payloadFormat.clockRateHz(format) !== this.#clockRateHz) return false
    // The media of pictures tells what has changed; that of sound does not.
    return format.kind === 'video' || bytesEqual(format.configuration, configuration)
  }

  /**
   * Gives each packet with room for an interleaved frame's head before it; its memory is the receiver's.
   * @throws {TapedeckError} the access unit is malformed
   */
  packetize(accessUnit: AccessUnit, emit: (framed: Uint8Array) => void): void {
    const { format, pts, isRandomAccess } = accessUnit
    if (format !== this.#format) {
      this.#format = format
      this.#packetizer = this.#payloadFormat.packetizer(format)
    }
    const isNew = format !== this.#offered && isRandomAccess
    const payload = withParameterSets(format, accessUnit.payload, isNew)
    const ticks = rescale(pts, format.timescale, this.#clockRateHz)
    const timestamp = this.#timestamp(ticks)
    this.#lastSeconds = pts / format.timescale
    this.#packetizer.packetize(payload, MAX_PAYLOAD_BYTES, (piece, marker, laterTicks = 0) => {
      const framed = new Uint8Array(FRAME_HEAD_BYTES + RTP_HEADER_BYTES + piece.length)
      const at = FRAME_HEAD_BYTES
      framed[at] = 0x80
      framed[at + 1] = (marker ? 0x80 : 0) | this.#payloadType
      framed[at + 2] = this.#sequenceNumber >>> 8
      framed[at + 3] = this.#sequenceNumber
      put32(framed, at + 4, timestamp + laterTicks)
      put32(framed, at + 8, this.#ssrc)
      framed.set(piece, at + RTP_HEADER_BYTES)
      this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
      this.#packets++
      this.#payloadBytes += piece.length
      emit(framed)
    })
  }

  /**
   * Which moment of the wall clock a moment of the stream is.
   * @param zeroWallClockMs of the stream's zero; the same for all tracks, so that players put them beside each other
   */
  report(zeroWallClockMs: number, seconds: number): Uint8Array {
    const facts = {
      ssrc: this.#ssrc,
      wallClockMs: zeroWallClockMs + seconds * 1000,
      rtpTimestamp: this.#timestamp(Math.round(seconds * this.#clockRateHz)),
      packets: this.#packets,
      payloadBytes: this.#payloadBytes,
    }
    return writeSenderReport(facts, NAME)
  }

  /** 32 bits; times before the stream's zero are good too. */
  #timestamp(ticks: number): number {
    return (((this.#zero + ticks) % 2 ** 32) + 2 ** 32) % 2 ** 32
  }

  /** Nothing more will come. */
  goodbye(zeroWallClockMs: number): Uint8Array {
    return Buffer.concat([this.report(zeroWallClockMs, this.#lastSeconds), writeBye(this.#ssrc)])
  }
}
