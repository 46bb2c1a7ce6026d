import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import type { PublishRequest } from '#hub/webrtc.ts'
import { MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import { SessionFeedback } from '#ingest/rtp/session-feedback.ts'
import { isVideoCodec } from '#media/codec.ts'
import { HeaderExtensions } from '#protocols/rtp/header-extensions.ts'
import { isRtcp, RtpPacket, u16, u32 } from '#protocols/rtp/packet.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import type { ReceivedMedium, ReceivingNegotiation } from '#protocols/webrtc/negotiation.ts'
import { WebRtcIdleError } from './errors.ts'
import { MediumRouter } from './medium-router.ts'
import type { SessionContent } from './session-content.ts'

/** RTCP packet types that are about one source. RFC 3550 §12.1. */
const SENDER_REPORT = 200
const GOODBYE = 203

/** Browsers first report their pictures' clock half a second after the session's description, and that of sound after 2.5 s. */
const AWAIT_REPORT_MS = 700

/** What a publisher's session stands on. */
export interface PublishSessionOptions {
  readonly connectionId: string
  readonly path: string
  readonly request: PublishRequest
  readonly negotiation: ReceivingNegotiation
  readonly maxBitrateBps: number
  readonly hub: Hub
  readonly runtime: Runtime
  readonly log: Logger
  readonly limits: PublishLimits
  /** Sends RTCP. */
  readonly send: (packet: Uint8Array) => void
  /** We want the session to end. */
  readonly disconnect: (end: StreamEnd) => void
}

/** See Config['webrtc']. */
export interface PublishLimits {
  readonly jitterMs: number
  readonly damaged: 'drop' | 'keep'
  readonly idleTimeoutMs: number
}

/** A browser's packets → the tracks of a stream. */
export class PublishSession implements SessionContent {
  readonly kind = 'publish'
  readonly #options: PublishSessionOptions
  readonly #router: MediumRouter
  readonly #extensions: HeaderExtensions
  readonly #packet = new RtpPacket()
  /** By medium. */
  #receivers: readonly MediaReceiver[] = []
  #feedback: SessionFeedback | undefined
  #publication: Publication | undefined
  #lastActivityMs = 0
  #isFlowing = false
  #isEnded = false

  constructor(options: PublishSessionOptions) {
    const { media } = options.negotiation
    this.#options = options
    this.#router = new MediumRouter(media)
    // Bundled media share the numbers of extensions (RFC 9143 §8).
    this.#extensions = new HeaderExtensions(Object.assign({}, ...media.map(({ extensions }) => extensions)))
  }

  get stream(): Stream | undefined {
    return this.#publication?.stream
  }

  get goodbyeIsLoss(): boolean {
    return this.#options.request.goodbyeIsLoss === true
  }

  get isFlowing(): boolean {
    return this.#isFlowing
  }

  connected({ remoteAddress, remotePort }: { remoteAddress: string; remotePort: number }): void {
    const { connectionId, path, request, hub, runtime, negotiation, log, disconnect } = this.#options
    this.#lastActivityMs = runtime.monotonicMs()
    const publication = hub.publish(path, {
      protocol: request.protocol ?? 'webrtc',
      // The media's own way: the offer may have come by a proxy.
      remoteAddress,
      remotePort,
      localAddress: request.localAddress,
      localPort: request.localPort,
      connectionId,
      encoder: request.encoder,
      query: request.query,
      app: request.app ?? '',
      instance: '',
      disconnect: (reason) => disconnect({ cause: 'disconnected', message: reason }),
    })
    publication.stream.promisedVideo = negotiation.media
      .map(({ payloadFormat }) => payloadFormat.codec)
      .filter(isVideoCodec)
    this.#publication = publication
    this.#receive(publication.stream)
    const media = negotiation.media.map(({ offered, format }) => `${offered.kind} ${format.encoding}`)
    log.info({ event: 'webrtc.publish-started', encoder: request.encoder, remoteAddress, media }, 'publisher accepted')
  }

  #receive(stream: Stream): void {
    const { negotiation, limits, maxBitrateBps, request, runtime, log, send } = this.#options
    const { monotonicMs } = runtime
    const feedback = new SessionFeedback({
      monotonicMs,
      ssrc: Math.floor(Math.random() * 2 ** 32),
      name: 'tapedeck',
      send,
      transportWide: negotiation.hasTransportFeedback,
      estimate: !negotiation.hasTransportFeedback,
      maxBitrateBps,
      reducedSize: negotiation.media.every(({ offered }) => offered.hasReducedSizeRtcp),
    })
    this.#feedback = feedback
    const clock = new SourceClock({ soundReportsAreLate: isBrowser(request.encoder) })
    // Sound and pictures are beside each other from the beginning; what is alone needs not wait.
    const kinds = new Set(negotiation.media.map(({ offered }) => offered.kind))
    const awaitReportMs = kinds.size > 1 ? AWAIT_REPORT_MS : 0
    const media = negotiation.media.map((medium) => {
      return feedback.medium({
        nack: medium.hasNack,
        pictureLoss: medium.format.feedback.includes('nack pli'),
        reorderMs: limits.jitterMs,
      })
    })
    this.#receivers = negotiation.media.map((medium, index) => {
      const mediumFeedback = media[index]
      return new MediaReceiver({
        stream,
        trackId: index + 1,
        format: mediaFormat(medium),
        clock,
        damaged: limits.damaged,
        reorderMs: limits.jitterMs,
        awaitReportMs,
        ...(mediumFeedback === undefined ? {} : { feedback: mediumFeedback }),
        monotonicMs,
        log,
      })
    })
    stream.askRandomAccess = () => {
      for (const [index, medium] of media.entries()) {
        if (negotiation.media[index]?.offered.kind === 'video') medium.askRandomAccess()
      }
    }
  }

  packet(bytes: Uint8Array, nowMs: number): void {
    if (this.#isEnded) return
    if (bytes.length >= 2 && isRtcp(bytes)) {
      this.#rtcp(bytes, nowMs)
      return
    }
    const packet = this.#packet
    if (!packet.parse(bytes)) return
    this.#lastActivityMs = nowMs
    this.#extensions.read(packet)
    this.#feedback?.arrived(packet, this.#extensions.transportSequence, nowMs)
    const route = this.#router.routeOf(packet, this.#extensions)
    const receiver = route === undefined ? undefined : this.#receivers[route.medium]
    if (route?.isRetransmission === true) receiver?.retransmission(packet, bytes, nowMs)
    else receiver?.packet(packet, nowMs)
  }

  /** Reports and goodbyes go to the medium that their source belongs to; the browser's own reports about us to nobody. */
  #rtcp(bytes: Uint8Array, nowMs: number): void {
    for (let at = 0; at + 8 <= bytes.length; ) {
      const end = at + 4 + 4 * u16(bytes, at + 2)
      if (end > bytes.length) return
      const type = bytes[at + 1]
      if (type === SENDER_REPORT || type === GOODBYE) {
        const medium = this.#router.mediumOf(u32(bytes, at + 4))
        const part = bytes.subarray(at, end)
        if (medium !== undefined) this.#receivers[medium]?.rtcp(part, nowMs)
        else for (const receiver of this.#receivers) receiver.rtcp(part, nowMs)
      }
      at = end
    }
  }

  tick(nowMs: number): void {
    const { stream } = this
    if (stream === undefined || this.#isEnded) return
    for (const receiver of this.#receivers) receiver.tick(nowMs)
    this.#feedback?.tick(nowMs)
    this.#isFlowing ||= [...stream.counters.values()].some(({ accessUnits }) => accessUnits > 0)
    const { idleTimeoutMs } = this.#options.limits
    const idleMs = nowMs - this.#lastActivityMs
    if (idleMs > idleTimeoutMs) throw new WebRtcIdleError(idleMs, 'webrtc.idleTimeoutMs')
  }

  end(end: StreamEnd): void {
    if (this.#isEnded) return
    this.#isEnded = true
    for (const receiver of this.#receivers) receiver[Symbol.dispose]()
    if (this.#publication === undefined) return
    this.#options.log.info({ event: 'webrtc.publish-ended', cause: end.cause }, end.message)
    this.#publication.end(end)
  }
}

/** All call themselves so in `User-Agent`, and all send with libwebrtc. */
function isBrowser(encoder: string): boolean {
  return encoder.startsWith('Mozilla/')
}

function mediaFormat({ format, payloadFormat, redundancyType }: ReceivedMedium) {
  const { payloadType, clockRateHz, channels, parameters } = format
  return { payloadType, redundancyType, payloadFormat, clockRateHz, channels, parameters }
}
