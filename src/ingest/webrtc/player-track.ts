import { TrackSender } from '#ingest/rtp/track-sender.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { rescale } from '#media/clock.ts'
import type { TrackFormat } from '#media/track.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import { SentPackets, wrapRetransmission } from '#protocols/rtp/sent-packets.ts'
import { PictureOrder } from './picture-order.ts'
import type { MediumForPlayer, PlayedCodec } from './play-plan.ts'

/** What every network carries, with room for SRTP, an extension and the number in front of a retransmission. */
const MAX_PAYLOAD_BYTES = 1180

/** Packets kept to be sent again: more than a second of a good picture, and all of a large key frame. */
const KEPT_PICTURE_PACKETS = 1024
const KEPT_SOUND_PACKETS = 64

/** From one sender report to the next. */
const REPORT_EVERY_MS = 1_000

/** One m-line of a player's that a track of the stream fills. */
export class PlayerTrack {
  readonly medium: MediumForPlayer
  readonly trackId: number
  readonly #sender: TrackSender
  readonly #sent: SentPackets
  readonly #codec: PlayedCodec
  readonly #order = new PictureOrder()
  #retransmissionNumber = Math.floor(Math.random() * 0x8000)
  #reportedMs = Number.NEGATIVE_INFINITY
  /** Up to the next random access point nothing can be shown. */
  waitsForStart: boolean
  #format: TrackFormat

  /** @param format as it is sent: Opus, where the track is transcoded */
  constructor(medium: MediumForPlayer, format: TrackFormat, codec: PlayedCodec) {
    const payloadFormat = payloadFormatOf(format)
    if (payloadFormat === undefined) throw new RangeError(`RTP has no place for ${format.codec}`)
    this.medium = medium
    this.trackId = format.trackId
    this.#format = format
    this.#codec = codec
    this.#sender = new TrackSender({
      format,
      payloadFormat,
      payloadType: codec.payloadType,
      ssrc: medium.ssrc,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      repeatsParameterSets: true,
      ...(medium.extension === undefined ? {} : { extension: medium.extension }),
    })
    this.#sent = new SentPackets(format.kind === 'video' ? KEPT_PICTURE_PACKETS : KEPT_SOUND_PACKETS)
    this.waitsForStart = format.kind === 'video'
  }

  /** Whether the player can go on with a new format of the track. */
  continues(format: TrackFormat): boolean {
    if (format.codec !== this.#format.codec) return false
    if (payloadFormatOf(format)?.clockRateHz(format) !== this.#sender.clockRateHz) return false
    this.#format = format
    return true
  }

  /** False: the picture is to be shown before one that has gone out, which players can't. */
  isInOrder(accessUnit: AccessUnit): boolean {
    return this.#format.kind === 'audio' || this.#order.follows(accessUnit)
  }

  /** In ticks of the RTP clock, since the stream's zero. */
  ticksOf({ pts, format }: AccessUnit): number {
    return rescale(pts, format.timescale, this.#sender.clockRateHz)
  }

  get clockRateHz(): number {
    return this.#sender.clockRateHz
  }

  /** @throws {TapedeckError} the access unit is malformed */
  packetize(accessUnit: AccessUnit, emit: (packet: Uint8Array) => void, ticks?: number): void {
    this.#sender.packetize(
      accessUnit,
      (packet) => {
        this.#sent.add(packet)
        emit(packet)
      },
      ticks,
    )
  }

  /** The packet to send again, as the player takes it; undefined: it is not at hand. */
  again(sequenceNumber: number, nowMs: number): Uint8Array | undefined {
    const packet = this.#sent.again(sequenceNumber, nowMs)
    const { retransmissionPayloadType } = this.#codec
    const { retransmissionSsrc } = this.medium
    if (packet === undefined || retransmissionPayloadType === undefined) return packet
    this.#retransmissionNumber = (this.#retransmissionNumber + 1) & 0xffff
    const stream = { payloadType: retransmissionPayloadType, ssrc: retransmissionSsrc }
    return wrapRetransmission(packet, stream, this.#retransmissionNumber)
  }

  /** The sender report, when one is due. @param zeroWallClockMs see TrackSender.report */
  dueReport(nowMs: number, zeroWallClockMs: number, { pts, format }: AccessUnit): Uint8Array | undefined {
    if (nowMs - this.#reportedMs < REPORT_EVERY_MS) return undefined
    this.#reportedMs = nowMs
    return this.#sender.report(zeroWallClockMs, pts / format.timescale)
  }

  goodbye(zeroWallClockMs: number): Uint8Array {
    return this.#sender.goodbye(zeroWallClockMs)
  }
}
