import { randomBytes } from 'node:crypto'
import type { AccessUnit } from '#media/access-unit.ts'
import { bytesEqual } from '#media/bytes.ts'
import { rescale } from '#media/clock.ts'
import type { TrackFormat } from '#media/track.ts'
import { put32, RTP_HEADER_BYTES } from '#protocols/rtp/packet.ts'
import type { Packetizer, PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { withParameterSets } from './parameter-sets.ts'

/** Canonical name of all that we send (RFC 3550 §6.5.1): receivers play sources of one name in sync. */
export const CANONICAL_NAME = 'tapedeck'
const NO_EXTENSION = new Uint8Array(0)
const HAS_EXTENSION = 0x10

/** What a track is sent as. */
export interface TrackSenderOptions {
  readonly format: TrackFormat
  readonly payloadFormat: PayloadFormat
  readonly payloadType: number
  readonly maxPayloadBytes: number
  /** Of the source. Default: one that nobody else has. */
  readonly ssrc?: number
  /** Left free before each packet, for whoever frames it. Default 0. */
  readonly headroomBytes?: number
  /** Put into each packet behind its header: a whole header extension (RFC 8285). Default none. */
  readonly extension?: Uint8Array
  /** H.264 and H.265: each random access point brings its parameter sets, not only those the player was not told. */
  readonly repeatsParameterSets?: boolean
}

/** Access units of one track → RTP packets of one source, and its reports. */
export class TrackSender {
  readonly #offered: TrackFormat
  readonly #payloadType: number
  readonly #clockRateHz: number
  readonly #payloadFormat: PayloadFormat
  readonly #maxPayloadBytes: number
  readonly #headroomBytes: number
  readonly #extension: Uint8Array
  readonly #repeatsParameterSets: boolean
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

  constructor(options: TrackSenderOptions) {
    const { format, payloadFormat } = options
    const random = randomBytes(10)
    this.#offered = format
    this.#format = format
    this.#payloadType = options.payloadType
    this.#payloadFormat = payloadFormat
    this.#maxPayloadBytes = options.maxPayloadBytes
    this.#headroomBytes = options.headroomBytes ?? 0
    this.#extension = options.extension ?? NO_EXTENSION
    this.#repeatsParameterSets = options.repeatsParameterSets ?? false
    this.#clockRateHz = payloadFormat.clockRateHz(format)
    this.#packetizer = payloadFormat.packetizer(format)
    this.#ssrc = options.ssrc ?? random.readUInt32BE(0)
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

  get clockRateHz(): number {
    return this.#clockRateHz
  }

  /**
   * Gives each packet behind the headroom that was asked for; its memory is the receiver's.
   * @param ticks of the RTP clock since the stream's zero, where it is not to be shown when its time says
   * @throws {TapedeckError} the access unit is malformed
   */
  packetize(accessUnit: AccessUnit, emit: (framed: Uint8Array) => void, ticks?: number): void {
    const { format, pts, isRandomAccess } = accessUnit
    if (format !== this.#format) {
      this.#format = format
      this.#packetizer = this.#payloadFormat.packetizer(format)
    }
    const wantsSets = isRandomAccess && (this.#repeatsParameterSets || format !== this.#offered)
    const payload = withParameterSets(format, accessUnit.payload, wantsSets)
    const timestamp = this.#timestamp(ticks ?? rescale(pts, format.timescale, this.#clockRateHz))
    this.#lastSeconds = pts / format.timescale
    const at = this.#headroomBytes
    const headBytes = RTP_HEADER_BYTES + this.#extension.length
    this.#packetizer.packetize(payload, this.#maxPayloadBytes, (piece, marker, laterTicks = 0) => {
      const framed = Buffer.allocUnsafe(at + headBytes + piece.length)
      framed[at] = this.#extension.length > 0 ? 0x80 | HAS_EXTENSION : 0x80
      framed[at + 1] = (marker ? 0x80 : 0) | this.#payloadType
      framed[at + 2] = this.#sequenceNumber >>> 8
      framed[at + 3] = this.#sequenceNumber
      put32(framed, at + 4, timestamp + laterTicks)
      put32(framed, at + 8, this.#ssrc)
      framed.set(this.#extension, at + RTP_HEADER_BYTES)
      framed.set(piece, at + headBytes)
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
    return writeSenderReport(facts, CANONICAL_NAME)
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
