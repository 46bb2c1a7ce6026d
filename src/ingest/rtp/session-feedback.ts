import { writeNack, writeRemb } from '#protocols/rtp/feedback.ts'
import type { RtpPacket } from '#protocols/rtp/packet.ts'
import type { Reception } from '#protocols/rtp/reception.ts'
import { NackRequester } from '#protocols/rtp/retransmission.ts'
import { type ReportBlock, writePictureLoss, writeReceiverReport } from '#protocols/rtp/rtcp.ts'
import { TransportFeedback } from '#protocols/rtp/transport-feedback.ts'
import { RandomAccessAsker } from './random-access-asker.ts'
import type { RandomAccessRequests } from './track-receiver.ts'

/** Senders measure the round trip by these reports, and reckon with losses of the last second. */
const REPORT_EVERY_MS = 1_000
/** Senders forget an estimate after some seconds. */
const ESTIMATE_EVERY_MS = 1_000
/** Assumed before the first answer to a request. */
const ASSUMED_RTT_MS = 100

/** What was negotiated for a session, and where its feedback goes. */
export interface SessionFeedbackOptions {
  readonly monotonicMs: () => number
  /** Our own name in all of it. */
  readonly ssrc: number
  readonly name: string
  /** Takes RTCP packets for the sender. It must not throw. */
  readonly send: (packet: Uint8Array) => void
  /** Whether the sender wants to know of every arrival (`transport-cc`). */
  readonly transportWide: boolean
  /** Whether the sender heeds estimates (`goog-remb`): it is then told not to send more than this. */
  readonly estimate: boolean
  readonly maxBitrateBps: number
  /** Whether packets may come without a report before them (RFC 5506, `a=rtcp-rsize`). */
  readonly reducedSize: boolean
}

/** What the sender of one medium understands. */
export interface MediumFeedbackOptions {
  /** It sends again what is asked for (`nack`). */
  readonly nack: boolean
  /** It makes a random access point when asked (`nack pli`). */
  readonly pictureLoss: boolean
  /** How long a missing packet is waited for. */
  readonly reorderMs: number
}

/**
 * What a receiver tells the sender of a session: how packets arrive, what is missing, what is wanted. Hand it every
 * packet, and every tick.
 */
export class SessionFeedback {
  readonly #options: SessionFeedbackOptions
  readonly #transport: TransportFeedback | undefined
  readonly #media: MediumFeedback[] = []
  #reportedMs = Number.NEGATIVE_INFINITY
  #estimatedMs = Number.NEGATIVE_INFINITY

  constructor(options: SessionFeedbackOptions) {
    this.#options = options
    if (options.transportWide) this.#transport = new TransportFeedback(options.ssrc)
  }

  /** For the receiver of one medium. */
  medium(options: MediumFeedbackOptions): MediumFeedback {
    const { monotonicMs, ssrc } = this.#options
    const medium: MediumFeedback = new MediumFeedback({
      ...options,
      monotonicMs,
      askRandomAccess: () => {
        if (medium.ssrc !== undefined) this.#send(writePictureLoss(ssrc, medium.ssrc))
      },
      askAgain: (mediaSsrc, sequenceNumbers) => this.#send(writeNack(ssrc, mediaSsrc, sequenceNumbers)),
    })
    this.#media.push(medium)
    return medium
  }

  /** A packet of any medium came, be it a retransmission or nothing but padding. @param transportSequence -1: it has none */
  arrived(packet: RtpPacket, transportSequence: number, arrivalMs: number): void {
    if (transportSequence >= 0) this.#transport?.received(transportSequence, arrivalMs, packet.ssrc)
  }

  /** Sends what is due; call it every few tens of milliseconds. */
  tick(nowMs: number): void {
    const { send, estimate } = this.#options
    for (const medium of this.#media) medium.tick(nowMs)
    if (this.#transport !== undefined) for (const packet of this.#transport.packets(nowMs)) this.#send(packet)
    if (nowMs - this.#reportedMs >= REPORT_EVERY_MS) {
      const report = this.#report(nowMs)
      if (report !== undefined) {
        this.#reportedMs = nowMs
        send(report)
      }
    }
    if (estimate && nowMs - this.#estimatedMs >= ESTIMATE_EVERY_MS) this.#estimate(nowMs)
  }

  #report(nowMs: number): Uint8Array | undefined {
    const blocks: ReportBlock[] = []
    for (const { receptions } of this.#media) for (const reception of receptions) blocks.push(reception.report(nowMs))
    if (blocks.length === 0) return undefined
    return writeReceiverReport(this.#options.ssrc, blocks, this.#options.name)
  }

  #estimate(nowMs: number): void {
    const { ssrc, maxBitrateBps } = this.#options
    const ssrcs: number[] = []
    for (const medium of this.#media) if (medium.ssrc !== undefined) ssrcs.push(medium.ssrc)
    if (ssrcs.length === 0) return
    this.#estimatedMs = nowMs
    this.#send(writeRemb(ssrc, maxBitrateBps, ssrcs))
  }

  #send(packet: Uint8Array): void {
    const { send, reducedSize, ssrc, name } = this.#options
    if (reducedSize) {
      send(packet)
      return
    }
    const report = writeReceiverReport(ssrc, [], name)
    const compound = new Uint8Array(report.length + packet.length)
    compound.set(report)
    compound.set(packet, report.length)
    send(compound)
  }
}

interface MediumParts extends MediumFeedbackOptions {
  readonly monotonicMs: () => number
  readonly askRandomAccess: () => void
  readonly askAgain: (ssrc: number, sequenceNumbers: readonly number[]) => void
}

/** The part of one medium; its receiver tells it what comes. */
export class MediumFeedback implements RandomAccessRequests {
  /** See RandomAccessRequests. */
  mayBeComing: (nowMs: number) => boolean = () => false
  readonly #parts: MediumParts
  readonly #asker: RandomAccessAsker
  #requester: NackRequester | undefined
  #reception: Reception | undefined
  #retransmissions: Reception | undefined
  /** Of sources before this one. */
  #requestedBefore = 0
  #repairedBefore = 0

  constructor(parts: MediumParts) {
    const { monotonicMs, askRandomAccess } = parts
    this.#parts = parts
    const mayBeComing = (nowMs: number) => this.mayBeComing(nowMs)
    this.#asker = new RandomAccessAsker({ monotonicMs, send: askRandomAccess, mayBeComing })
  }

  /** The source; undefined before its first packet. */
  get ssrc(): number | undefined {
    return this.#reception?.ssrc
  }

  /** What reports are to be made of. */
  get receptions(): readonly Reception[] {
    const receptions: Reception[] = []
    if (this.#reception !== undefined) receptions.push(this.#reception)
    if (this.#retransmissions !== undefined) receptions.push(this.#retransmissions)
    return receptions
  }

  /** Packets that the sender was asked to send again. */
  get requestedPackets(): number {
    return this.#requestedBefore + (this.#requester?.requested ?? 0)
  }

  /** … and that came in time. */
  get repairedPackets(): number {
    return this.#repairedBefore + (this.#requester?.repaired ?? 0)
  }

  /** Requests for random access points. */
  get randomAccessRequests(): number {
    return this.#asker.asked
  }

  /** The first packet of a source is here. */
  begun(reception: Reception): void {
    const { nack, reorderMs } = this.#parts
    this.#requestedBefore = this.requestedPackets
    this.#repairedBefore = this.repairedPackets
    this.#reception = reception
    this.#retransmissions = undefined
    const rttMs = this.#requester?.rttMs ?? ASSUMED_RTT_MS
    this.#requester = nack ? new NackRequester({ maxDelayMs: reorderMs, rttMs }) : undefined
  }

  /** The source's retransmissions come as a source of their own. */
  retransmissionsBegun(reception: Reception): void {
    this.#retransmissions = reception
  }

  /** The source counts its packets anew. */
  restarted(): void {
    this.#requester?.restarted()
  }

  /** @param sequenceNumber of a packet of the source */
  received(sequenceNumber: number, arrivalMs: number): void {
    this.#requester?.received(sequenceNumber, arrivalMs)
  }

  /** Whether a retransmission of it is of any use. */
  isMissing(sequenceNumber: number): boolean {
    return this.#requester?.isMissing(sequenceNumber) ?? false
  }

  /** A random access point is wanted; say so as often as you like. */
  askRandomAccess(): void {
    if (this.#parts.pictureLoss) this.#asker.ask()
  }

  /** One came. */
  randomAccessCame(): void {
    this.#asker.came()
  }

  tick(nowMs: number): void {
    this.#asker.tick(nowMs)
    const { ssrc } = this
    if (ssrc === undefined || this.#requester === undefined) return
    const due = this.#requester.due(nowMs)
    if (due.length > 0) this.#parts.askAgain(ssrc, due)
  }
}
