import { LogLimit } from '#base/log-limit.ts'
import type { Logger } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import { distance, JitterBuffer } from '#protocols/rtp/jitter-buffer.ts'
import { isRtcp, RtpPacket } from '#protocols/rtp/packet.ts'
import type { PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { Reception } from '#protocols/rtp/reception.ts'
import { parseRtcp, type SenderReport, writeReceiverReport } from '#protocols/rtp/rtcp.ts'
import type { SourceClock, TrackClock } from '#protocols/rtp/source-clock.ts'
import { LEAD_SECONDS, TrackReceiver } from './track-receiver.ts'

/** Packets that wait for one before them; a second of 30 Mbit/s. */
const MAX_REORDER_BYTES = 4 * 1024 * 1024

/** More than this many sequence numbers left out is no loss: the source counts anew. */
const MAX_LOSS = 3000

/** One that is no further behind came late, or twice (RFC 3550 appendix A.1). */
const MAX_LATE = 100

/** A medium of a session description that we can take. */
export interface MediaFormat {
  readonly payloadType: number
  readonly payloadFormat: PayloadFormat
  readonly clockRateHz: number
  readonly channels: number
  /** Format parameters, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

export interface MediaReceiverOptions {
  readonly stream: Stream
  readonly trackId: number
  readonly format: MediaFormat
  readonly clock: SourceClock
  readonly damaged: 'drop' | 'keep'
  /** How long a missing packet is waited for; 0: what carries the packets keeps their order (TCP). */
  readonly reorderMs: number
  readonly monotonicMs: () => number
  readonly log: Logger
}

/** RTP and RTCP of one medium → a track of a stream: order, losses, restarts of the source, and reports back. */
export class MediaReceiver implements Disposable {
  readonly #options: MediaReceiverOptions
  readonly #track: TrackReceiver
  readonly #clock: TrackClock
  readonly #packet = new RtpPacket()
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
  #ignoredPackets = 0
  #receivedPackets = 0
  #saidGoodbye = false

  constructor(options: MediaReceiverOptions) {
    const { stream, trackId, format, clock, damaged, monotonicMs, log } = options
    const { payloadFormat, channels, parameters } = format
    this.#options = options
    this.#clock = clock.track(format.clockRateHz)
    stream.sourceWallClock = (timeMs) => clock.wallClockMs(timeMs - LEAD_SECONDS * 1000)
    this.#track = new TrackReceiver({
      stream,
      trackId,
      payloadFormat,
      clock: this.#clock,
      channels,
      parameters,
      damaged,
      log,
    })
    this.#ignored = new LogLimit(monotonicMs, (reason, packets) =>
      log.debug({ event: 'rtp.packet-ignored', track: trackId, reason, packets }),
    )
  }

  /** Packets that were none, or not of this medium. */
  get ignoredPackets(): number {
    return this.#ignoredPackets
  }

  /** Packets of this medium, late ones and duplicates among them. */
  get receivedPackets(): number {
    return this.#receivedPackets
  }

  /** The source has said that it will send nothing more, and has kept to it. */
  get saidGoodbye(): boolean {
    return this.#saidGoodbye
  }

  /** Why nothing of the track can be used, if so. */
  get unusable(): string | undefined {
    return this.#track.unusable
  }

  /**
   * A datagram or interleaved frame, RTP or RTCP. With `reorderMs` it must be the receiver's own memory, and the whole
   * of it; without, it is borrowed.
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
    if (packet.payloadType !== this.#options.format.payloadType) {
      this.#ignore(`it has payload type ${packet.payloadType}`)
      return
    }
    const reception = this.#receptionOf(packet)
    if (reception === undefined) return
    reception.packet(packet, arrivalMs)
    this.#receivedPackets++
    this.#saidGoodbye = false
    this.#arrivalMs = arrivalMs
    if (this.#jitter === undefined) this.#inOrder(packet)
    else this.#jitter.push(packet, arrivalMs)
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
    this.#jitter?.tick(nowMs)
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

  [Symbol.dispose](): void {
    this.flush()
    this.#track[Symbol.dispose]()
  }

  /** What was begun will not be continued, and what comes has times of its own. */
  #restarted(): void {
    this.flush()
    this.#clock.restarted()
  }

  #receptionOf({ ssrc }: RtpPacket): Reception | undefined {
    const known = this.#reception
    if (known?.ssrc === ssrc) {
      this.#strangeSsrc = -1
      return known
    }
    if (known !== undefined && this.#strangeSsrc !== ssrc) {
      this.#strangeSsrc = ssrc
      this.#ignore('it is of another source')
      return undefined
    }
    if (known !== undefined) this.#restarted()
    this.#strangeSsrc = -1
    this.#next = -1
    const { reorderMs, format } = this.#options
    if (reorderMs > 0) {
      this.#jitter = new JitterBuffer({
        maxDelayMs: reorderMs,
        maxBytes: MAX_REORDER_BYTES,
        receive: (packet, lostBefore) => this.#track.push(packet, lostBefore, this.#arrivalMs),
        restarted: () => this.#restarted(),
      })
    }
    const reception = new Reception(ssrc, format.clockRateHz)
    this.#reception = reception
    if (this.#early?.report.ssrc === ssrc) this.#senderReport(reception, this.#early.report, this.#early.arrivalMs)
    this.#early = undefined
    return reception
  }

  #senderReport(reception: Reception, report: SenderReport, arrivalMs: number): void {
    reception.senderReport(report, arrivalMs)
    this.#clock.senderReport(report)
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
