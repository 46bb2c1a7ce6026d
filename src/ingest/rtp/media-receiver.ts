import { LogLimit } from '#base/log-limit.ts'
import type { Logger } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import { distance, JitterBuffer } from '#protocols/rtp/jitter-buffer.ts'
import { isRtcp, RtpPacket } from '#protocols/rtp/packet.ts'
import type { PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { Reception } from '#protocols/rtp/reception.ts'
import { Redundancy } from '#protocols/rtp/redundancy.ts'
import { unwrapRetransmission } from '#protocols/rtp/retransmission.ts'
import { parseRtcp, type SenderReport, writeReceiverReport } from '#protocols/rtp/rtcp.ts'
import type { SourceClock, TrackClock } from '#protocols/rtp/source-clock.ts'
import type { PacketConsumer } from './packet-consumer.ts'
import type { MediumFeedback } from './session-feedback.ts'
import { LEAD_SECONDS, TrackReceiver } from './track-receiver.ts'

/** Packets that wait for one before them; a second of 30 Mbit/s. */
const MAX_REORDER_BYTES = 4 * 1024 * 1024

/** More than this many sequence numbers left out is no loss: the source counts anew. */
const MAX_LOSS = 3000

/** One that is no further behind came late, or twice (RFC 3550 appendix A.1). */
const MAX_LATE = 100
/** … where packets are sent again: as many as come in the time that is waited for them. */
const MAX_LATE_REPEATED = 3000

/** The first packets of a source may come in another order than they were sent in: this much is waited to see. */
const FIRST_HOLD_MS = 20
/** So many packets of a source that is held longer: half a second of 10 Mbit/s. */
const MAX_FIRST_PACKETS = 512

/** A medium of a session description that we can take. */
export interface MediaFormat {
  readonly payloadType: number
  /** Of packets that repeat those before them (RFC 2198); undefined: none do. */
  readonly redundancyType?: number | undefined
  readonly payloadFormat: PayloadFormat
  readonly clockRateHz: number
  readonly channels: number
  /** Format parameters, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Packets of several tracks in one: what takes them apart is given. */
export interface MultiplexOptions extends Omit<MediaReceiverOptions, 'format' | 'damaged' | 'feedback'> {
  readonly format: Pick<MediaFormat, 'payloadType' | 'redundancyType' | 'clockRateHz'>
  readonly consumer: PacketConsumer
}

export interface MediaReceiverOptions {
  readonly stream: Stream
  readonly trackId: number
  readonly format: MediaFormat
  readonly clock: SourceClock
  readonly damaged: 'drop' | 'keep'
  /** How long a missing packet is waited for; 0: what carries the packets keeps their order (TCP). */
  readonly reorderMs: number
  /** So long, at most, the first packets wait for a report of the source's clock. Default 0; needs `reorderMs`. */
  readonly awaitReportMs?: number
  /** Tells the sender what is missing, where it listens. */
  readonly feedback?: MediumFeedback
  readonly monotonicMs: () => number
  readonly log: Logger
}

/** RTP and RTCP of one medium → a track of a stream: order, losses, restarts of the source, and reports back. */
export class MediaReceiver implements Disposable {
  readonly #options: MultiplexOptions & Pick<MediaReceiverOptions, 'feedback'>
  readonly #track: PacketConsumer
  readonly #clock: TrackClock
  readonly #packet = new RtpPacket()
  readonly #redundancy = new Redundancy()
  readonly #repeated = new RtpPacket()
  readonly #ignored: LogLimit<string>
  #jitter: JitterBuffer | undefined
  #reception: Reception | undefined
  #arrivalMs = 0
  /** Came before the first packet of its source. */
  #early: { readonly report: SenderReport; readonly arrivalMs: number } | undefined
  /** Of the packet whose turn it is, where there is no jitter buffer; -1 before the first. */
  #next = -1
  /** A source that is not ours has sent a packet: a second one in a row is a source that has restarted. */
  #strangeSsrc = -1
  /** That packet, where it is ours to keep. */
  #strangeBytes: Uint8Array | undefined
  #retransmissions: Reception | undefined
  /** Retransmissions of the source before this one. */
  #oldRetransmissionSsrc = -1
  #ignoredPackets = 0
  #receivedPackets = 0
  #saidGoodbye = false

  constructor(options: MediaReceiverOptions | MultiplexOptions) {
    const { trackId, clock, monotonicMs, log } = options
    const kind = 'consumer' in options ? 'audio' : options.format.payloadFormat.kind
    this.#clock = clock.track(options.format.clockRateHz, kind)
    this.#track = 'consumer' in options ? options.consumer : this.#trackReceiver(options)
    this.#options = { ...options, consumer: this.#track }
    this.#ignored = new LogLimit(monotonicMs, (reason, packets) =>
      log.debug({ event: 'rtp.packet-ignored', track: trackId, reason, packets }),
    )
  }

  #trackReceiver({ stream, trackId, format, clock, damaged, feedback, log }: MediaReceiverOptions): TrackReceiver {
    const { payloadFormat, channels, parameters } = format
    stream.sourceWallClock = (timeMs) => clock.wallClockMs(timeMs - LEAD_SECONDS * 1000)
    return new TrackReceiver({
      stream,
      trackId,
      payloadFormat,
      clock: this.#clock,
      channels,
      parameters,
      damaged,
      ...(feedback === undefined ? {} : { randomAccess: feedback }),
      log,
    })
  }

  /** Packets that were none, or not of this medium. */
  get ignoredPackets(): number {
    return this.#ignoredPackets
  }

  /** Packets of this medium, late ones and duplicates among them. */
  get receivedPackets(): number {
    return this.#receivedPackets
  }

  /** The source has said that it will send nothing more, and has kept to it; all that it sent is in the stream. */
  get saidGoodbye(): boolean {
    return this.#saidGoodbye && this.#track.isBusy !== true
  }

  /** Why nothing of the track can be used, if so. */
  get unusable(): string | undefined {
    return this.#track.unusable
  }

  /**
   * A datagram or interleaved frame, RTP or RTCP, borrowed. With `reorderMs` it must be the whole of `bytes`.
   */
  rtp(bytes: Uint8Array, start: number, end: number, arrivalMs: number): void {
    const packet = this.#packet
    if (end - start >= 2 && isRtcp(bytes, start)) {
      this.rtcp(bytes.subarray(start, end), arrivalMs)
      return
    }
    if (!packet.parse(bytes, start, end)) {
      this.#ignore('it is malformed')
      return
    }
    this.packet(packet, arrivalMs)
  }

  /** RTP that somebody has parsed, borrowed as with `rtp`. */
  packet(packet: RtpPacket, arrivalMs: number): void {
    const { payloadType, redundancyType } = this.#options.format
    if (packet.payloadType !== payloadType && packet.payloadType !== redundancyType) {
      this.#ignore(`it has payload type ${packet.payloadType}`)
      return
    }
    const known = this.#reception
    if (known?.ssrc === packet.ssrc) {
      this.#strangeSsrc = -1
      this.#strangeBytes = undefined
      this.#received(known, packet, arrivalMs)
      return
    }
    const { reorderMs } = this.#options
    if (known !== undefined && this.#strangeSsrc !== packet.ssrc) {
      this.#strangeSsrc = packet.ssrc
      if (reorderMs > 0) this.#strangeBytes = packet.bytes.slice()
      this.#ignore('it is of another source')
      return
    }
    const earlier = this.#strangeBytes
    const reception = this.#begin(packet.ssrc)
    // What was the first of this source was no stranger's.
    if (earlier !== undefined) {
      const first = new RtpPacket()
      first.parse(earlier)
      this.#ignoredPackets--
      this.#received(reception, first, arrivalMs)
    }
    this.#received(reception, packet, arrivalMs)
  }

  #received(reception: Reception, packet: RtpPacket, arrivalMs: number): void {
    reception.packet(packet, arrivalMs)
    this.#receivedPackets++
    this.#saidGoodbye = false
    this.#arrivalMs = arrivalMs
    this.#options.feedback?.received(packet.sequenceNumber, arrivalMs)
    if (packet.payloadType !== this.#options.format.payloadType && !this.#unpack(packet, arrivalMs)) return
    if (this.#jitter === undefined) this.#inOrder(packet)
    else {
      this.#jitter.push(packet, arrivalMs)
      if (this.#jitter.beganMs !== undefined) this.#clock.heard(packet.timestamp, arrivalMs)
    }
  }

  /** Takes out of a packet what is missing of those that it repeats; what remains is the packet. */
  #unpack(packet: RtpPacket, arrivalMs: number): boolean {
    const redundancy = this.#redundancy
    if (!redundancy.read(packet) || redundancy.payloadType !== this.#options.format.payloadType) {
      this.#ignore('what it repeats is malformed, or of another format')
      return false
    }
    const { sequenceNumber } = packet
    for (let before = redundancy.earlier; before > 0; before--) {
      const number = (sequenceNumber - before) & 0xffff
      if (this.#jitter?.isMissing(number) !== true) continue
      const bytes = redundancy.packetBefore(before)
      if (bytes === undefined || !this.#repeated.parse(bytes)) continue
      this.#options.feedback?.received(number, arrivalMs)
      this.#jitter.push(this.#repeated, arrivalMs, true)
    }
    return packet.parse(redundancy.unwrapped())
  }

  /**
   * A retransmission (RFC 4588) with a payload type and a source of its own. What is not being waited for is left out:
   * senders probe the path with what they have sent before.
   * @param packet as parsed from the whole of `bytes`, which are given away
   */
  retransmission(packet: RtpPacket, bytes: Uint8Array, arrivalMs: number): void {
    const { feedback, format } = this.#options
    const { ssrc } = packet
    const source = this.#reception
    if (source === undefined || this.#jitter === undefined || ssrc === this.#oldRetransmissionSsrc) {
      this.#ignore('it is a retransmission without a source')
      return
    }
    if (this.#retransmissions?.ssrc !== ssrc) {
      this.#retransmissions = new Reception(ssrc, format.clockRateHz)
      feedback?.retransmissionsBegun(this.#retransmissions)
    }
    this.#retransmissions.packet(packet, arrivalMs)
    const original = unwrapRetransmission(packet, bytes, format.payloadType, source.ssrc)
    if (original === undefined || !packet.parse(original)) return
    if (feedback?.isMissing(packet.sequenceNumber) !== true) return
    this.#receivedPackets++
    this.#arrivalMs = arrivalMs
    feedback.received(packet.sequenceNumber, arrivalMs)
    this.#jitter.push(packet, arrivalMs, true)
  }

  rtcp(bytes: Uint8Array, arrivalMs: number): void {
    for (const packet of parseRtcp(bytes)) {
      if (packet.kind === 'senderReport') {
        if (this.#reception === undefined) this.#early = { report: packet, arrivalMs }
        else if (packet.ssrc === this.#reception.ssrc) this.#senderReport(this.#reception, packet, arrivalMs)
      }
      if (packet.kind === 'bye') {
        this.flush()
        this.#saidGoodbye = true
      }
    }
  }

  /** Gives up what was waited for too long; call it every few tens of milliseconds. */
  tick(nowMs: number): void {
    const jitter = this.#jitter
    if (jitter?.beganMs !== undefined && nowMs - jitter.beganMs >= FIRST_HOLD_MS && this.#clock.isReported)
      jitter.begin()
    jitter?.tick(nowMs)
    this.#track.tick()
  }

  /** Nothing more comes for now: hands over what there is. */
  flush(): void {
    this.#jitter?.flush()
    this.#track.flush()
  }

  /** A receiver report; undefined before the first packet. */
  report(ssrc: number, name: string, nowMs: number): Uint8Array | undefined {
    const reception = this.#reception
    return reception === undefined ? undefined : writeReceiverReport(ssrc, [reception.report(nowMs)], name)
  }

  /** Nothing more comes: resolves when all that came is in the stream. Undefined: flush() is enough. */
  drained(): Promise<void> | undefined {
    if (this.#track.drain === undefined || this.#track.isBusy !== true) return undefined
    this.#jitter?.flush()
    return this.#track.drain()
  }

  [Symbol.dispose](): void {
    this.flush()
    this.#track[Symbol.dispose]()
  }

  /** What was begun will not be continued, and what comes has times of its own. */
  #restarted(): void {
    this.flush()
    this.#clock.restarted()
  }

  /** A source begins, or takes over. */
  #begin(ssrc: number): Reception {
    if (this.#reception !== undefined) this.#restarted()
    this.#strangeSsrc = -1
    this.#strangeBytes = undefined
    this.#next = -1
    if (this.#retransmissions !== undefined) this.#oldRetransmissionSsrc = this.#retransmissions.ssrc
    this.#retransmissions = undefined
    const { reorderMs, awaitReportMs = 0, format, feedback } = this.#options
    if (reorderMs > 0) {
      // Only the first source of a medium: those after it go on where it was.
      const awaitMs = this.#reception === undefined ? awaitReportMs : 0
      this.#jitter = new JitterBuffer({
        maxDelayMs: reorderMs,
        maxBytes: MAX_REORDER_BYTES,
        firstHoldMs: Math.max(awaitMs, Math.min(FIRST_HOLD_MS, reorderMs)),
        maxFirstPackets: MAX_FIRST_PACKETS,
        maxLate: feedback === undefined ? MAX_LATE : MAX_LATE_REPEATED,
        receive: (packet, lostBefore, arrivedMs) => this.#track.push(packet, lostBefore, arrivedMs),
        restarted: () => {
          this.#restarted()
          feedback?.restarted()
        },
      })
    }
    const reception = new Reception(ssrc, format.clockRateHz)
    this.#reception = reception
    feedback?.begun(reception)
    if (this.#early?.report.ssrc === ssrc) this.#senderReport(reception, this.#early.report, this.#early.arrivalMs)
    this.#early = undefined
    return reception
  }

  #senderReport(reception: Reception, report: SenderReport, arrivalMs: number): void {
    reception.senderReport(report, arrivalMs)
    this.#clock.senderReport(report, arrivalMs)
  }

  #inOrder(packet: RtpPacket): void {
    const ahead = this.#next === -1 ? 0 : distance(this.#next, packet.sequenceNumber)
    if (ahead < 0 && ahead >= -MAX_LATE) {
      this.#ignore('it is late, or came twice')
      return
    }
    const isRestart = ahead < 0 || ahead > MAX_LOSS
    if (isRestart) this.#restarted()
    this.#next = (packet.sequenceNumber + 1) & 0xffff
    this.#track.push(packet, isRestart ? 0 : ahead, this.#arrivalMs)
  }

  #ignore(reason: string): void {
    this.#ignoredPackets++
    this.#ignored.occurred(reason)
  }
}
