import { LogLimit } from '#base/log-limit.ts'
import type { Logger } from '#base/runtime.ts'
import type { Publication } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { type MediaFormat, MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import { type MultiplexFormat, MultiplexReceiver } from '#ingest/rtp/multiplex-receiver.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { type StreamAddress, withoutControl } from '#protocols/rtsp/address.ts'
import type { MediaDescription, SessionDescription } from '#protocols/rtsp/description.ts'
import { type Pair, parseTransport, type TransportSpec } from '#protocols/rtsp/transport.ts'
import { RtspIdleError, RtspNoSupportedTrackError, RtspRequestError, RtspTransportError } from './errors.ts'
import { describeMedia, mediaFormat, multiplexFormat } from './media-format.ts'
import type { Peer, RtspSession, Surroundings } from './peer.ts'
import type { UdpPair } from './udp-ports.ts'

/** How often the publisher is told how its packets arrive. */
const REPORT_EVERY_MS = 5_000

/** Reads gather (see rtmp/read-pacer.ts) only after the tracks' times have been put beside each other by their arrival. */
const PROMPT_MS = 3_000

/** One medium of an announced session. */
interface AnnouncedMedia {
  readonly description: MediaDescription
  /** Undefined: set up like the others, for clients that insist, and ignored. */
  readonly format: MediaFormat | MultiplexFormat | undefined
  readonly trackId: number
  /** Undefined before it is set up. */
  way: { readonly channels: Pair } | { readonly udp: UdpPair; readonly clientPorts: Pair | undefined } | undefined
  receiver: MediaReceiver | undefined
}

/** A publisher, from ANNOUNCE to TEARDOWN. */
export class PublishSession implements RtspSession {
  readonly kind = 'publish'
  readonly id: string
  readonly path: string
  readonly #peer: Peer
  readonly #surroundings: Surroundings
  readonly #query: Readonly<Record<string, string>>
  readonly #encoder: string
  readonly #log: Logger
  readonly #media: readonly AnnouncedMedia[]
  readonly #strangers: LogLimit<string>
  /** By channel number. */
  readonly #channels: ({ readonly media: AnnouncedMedia; readonly isRtcp: boolean } | undefined)[] = []
  /** Our own name in receiver reports. */
  readonly #ssrc = Math.floor(Math.random() * 2 ** 32)
  readonly #owned = new DisposableStack()
  #publication: Publication | undefined
  #isRecording = false
  #isEnded = false
  #startedMs = 0
  #lastActivityMs: number
  #reportedMs = 0

  /** @throws {RtspNoSupportedTrackError} nothing of it can be recorded */
  constructor(options: {
    readonly id: string
    readonly path: string
    readonly address: StreamAddress
    readonly description: SessionDescription
    readonly encoder: string
    readonly peer: Peer
    readonly surroundings: Surroundings
  }) {
    const { id, path, address, description, encoder, peer, surroundings } = options
    const { runtime } = surroundings
    this.id = id
    this.path = path
    this.#query = address.query
    this.#encoder = encoder
    this.#peer = peer
    this.#surroundings = surroundings
    this.#log = runtime.log.child({ stream: path })
    this.#lastActivityMs = runtime.monotonicMs()
    const mayBeMultiplex = description.media.length === 1 && surroundings.readers !== undefined
    this.#media = description.media.map((each, index) => {
      return {
        description: each,
        format: mediaFormat(each) ?? (mayBeMultiplex ? multiplexFormat(each) : undefined),
        trackId: index + 1,
        way: undefined,
        receiver: undefined,
      }
    })
    this.#strangers = new LogLimit(runtime.monotonicMs, (remoteAddress, datagrams) =>
      this.#log.warn({ event: 'rtsp.datagram-ignored', remoteAddress, datagrams }, 'a datagram of somebody else'),
    )
    const unsupported = this.#media
      .filter(({ format }) => format === undefined)
      .map((each) => describeMedia(each.description))
    if (unsupported.length === this.#media.length) throw new RtspNoSupportedTrackError(unsupported)
    if (unsupported.length > 0) {
      this.#log.warn({ event: 'rtsp.media-ignored', media: unsupported }, 'not all that is announced can be recorded')
    }
  }

  get isActive(): boolean {
    return this.#isRecording
  }

  /** Reads of the connection may gather: media comes over it, and may itself. */
  get mayGather(): boolean {
    return this.#channels.length > 0 && this.#mediaMayGather
  }

  /** Nobody watches, and the tracks' times have been put beside each other by their arrival. */
  get #mediaMayGather(): boolean {
    const publication = this.#publication
    if (publication === undefined || !this.#isRecording) return false
    return !publication.stream.isWatched && this.#lastActivityMs - this.#startedMs > PROMPT_MS
  }

  async setup(uri: string, transport: string) {
    if (this.#publication !== undefined) throw new RtspRequestError('SETUP', 455, 'recording has begun')
    const media = this.#mediaOf(uri)
    if (media.way !== undefined) throw new RtspRequestError('SETUP', 455, 'this medium was set up before')
    for (const spec of parseTransport(transport)) {
      if (spec.isMulticast || !spec.profile.startsWith('RTP/AVP')) continue
      if (spec.lower === 'tcp') return this.#setupChannels(media, spec)
      const { udpPorts } = this.#surroundings
      if (udpPorts === undefined || spec.clientPorts === undefined) continue
      const udp = await udpPorts.open(this.#peer.localAddress)
      if (this.#isEnded) {
        udp[Symbol.dispose]()
        throw new RtspRequestError('SETUP', 454, 'the session has ended')
      }
      this.#owned.use(udp)
      media.way = { udp, clientPorts: spec.clientPorts }
      return { lower: 'udp', clientPorts: spec.clientPorts, serverPorts: udp.ports, mode: 'record' } as const
    }
    throw new RtspTransportError(transport, this.#surroundings.udpPorts === undefined)
  }

  #setupChannels(media: AnnouncedMedia, spec: TransportSpec) {
    const wanted = spec.interleaved
    const isFree = (channel: number) => this.#channels[channel] === undefined
    const isUsable = wanted !== undefined && wanted[0] !== wanted[1] && isFree(wanted[0]) && isFree(wanted[1])
    const next = this.#channels.length + (this.#channels.length % 2)
    const channels: Pair = isUsable ? wanted : [next, next + 1]
    if (channels[1] > 255) throw new RtspRequestError('SETUP', 400, 'there are no channels left')
    this.#channels[channels[0]] = { media, isRtcp: false }
    this.#channels[channels[1]] = { media, isRtcp: true }
    media.way = { channels }
    return { lower: 'tcp', interleaved: channels, mode: 'record' } as const
  }

  /** By the end of its address, as everybody makes it; a session with one medium needs no name for it. */
  #mediaOf(uri: string): AnnouncedMedia {
    const named = this.#media
      .filter(({ description }) => withoutControl(uri, description.control) !== undefined)
      .toSorted((left, right) => right.description.control.length - left.description.control.length)[0]
    const unnamed = this.#media.find(({ description, way }) => description.control === '' && way === undefined)
    const media = named ?? unnamed ?? (this.#media.length === 1 ? this.#media[0] : undefined)
    if (media === undefined) throw new RtspRequestError('SETUP', 404, 'the session description has no such medium')
    return media
  }

  /** Begins or goes on. @throws {TapedeckError} nothing is set up, the path is taken, too many publishers */
  record(): void {
    const { runtime, hub } = this.#surroundings
    const usable = this.#media.filter(({ way, format }) => way !== undefined && format !== undefined)
    if (usable.length === 0) throw new RtspRequestError('RECORD', 455, 'no medium that can be recorded was set up')
    this.#touch(runtime.monotonicMs())
    if (this.#publication === undefined) {
      const { id, protocol, remoteAddress, remotePort, localAddress, localPort } = this.#peer
      this.#publication = hub.publish(this.path, {
        protocol,
        remoteAddress,
        remotePort,
        localAddress,
        localPort,
        connectionId: id,
        encoder: this.#encoder,
        query: this.#query,
        app: '',
        instance: '',
        disconnect: (reason) => this.#peer.disconnect({ cause: 'disconnected', message: reason }),
      })
      this.#startedMs = this.#lastActivityMs
      this.#begin(this.#publication, usable)
      const media = usable.map(({ description }) => describeMedia(description))
      this.#log.info({ event: 'rtsp.publish-started', encoder: this.#encoder, media }, 'publisher accepted')
    }
    this.#isRecording = true
  }

  #begin({ stream }: Publication, usable: readonly AnnouncedMedia[]): void {
    const { runtime, limits, ticker, readers } = this.#surroundings
    const clock = new SourceClock()
    let needsTicks = false
    for (const media of usable) {
      const { format, trackId, way } = media
      if (format === undefined || way === undefined) continue
      const isDatagrams = 'udp' in way
      needsTicks ||= isDatagrams
      const { damaged } = limits
      const rest = {
        stream,
        trackId,
        clock,
        reorderMs: isDatagrams ? limits.reorderMs : 0,
        monotonicMs: runtime.monotonicMs,
        log: this.#log,
      }
      if ('payloadFormat' in format) media.receiver = new MediaReceiver({ ...rest, format, damaged })
      else if (readers !== undefined) {
        const consumer = new MultiplexReceiver({ stream, damaged, readers, shown: this.path, log: this.#log })
        media.receiver = new MediaReceiver({ ...rest, format, consumer })
      }
    }
    for (const media of this.#media) {
      if (media.way === undefined || !('udp' in media.way)) continue
      const { udp } = media.way
      const rtp = this.#taking((bytes, nowMs) => media.receiver?.rtp(bytes, 0, bytes.length, nowMs))
      udp.read({ received: rtp, mayGather: () => this.#mediaMayGather })
      const rtcp = this.#taking((bytes, nowMs) => media.receiver?.rtcp(bytes, nowMs))
      udp.rtcp.on('message', (bytes, { address }) => rtcp(bytes, address))
    }
    if (needsTicks) {
      this.#owned.use(
        ticker.add((nowMs) => {
          for (const { receiver } of this.#media) receiver?.tick(nowMs)
        }),
      )
    }
  }

  /** Takes datagrams of the publisher's, and nobody else's. */
  #taking(take: (bytes: Uint8Array, nowMs: number) => void): (bytes: Uint8Array, address: string) => boolean {
    const { remoteAddress } = this.#peer
    const { monotonicMs } = this.#surroundings.runtime
    return (bytes, address) => {
      if (address !== remoteAddress) {
        this.#strangers.occurred(address)
        return false
      }
      if (!this.#isRecording) return true
      const nowMs = monotonicMs()
      this.#touch(nowMs)
      try {
        take(bytes, nowMs)
      } catch (error) {
        this.#peer.fail(error)
      }
      return true
    }
  }

  frame(channel: number, bytes: Uint8Array, start: number, end: number, arrivalMs: number): boolean {
    const target = this.#channels[channel]
    if (target === undefined) return false
    if (!this.#isRecording) return true
    this.#touch(arrivalMs)
    const { receiver } = target.media
    if (target.isRtcp) receiver?.rtcp(bytes.subarray(start, end), arrivalMs)
    else receiver?.rtp(bytes, start, end, arrivalMs)
    return true
  }

  /** What comes meanwhile is ignored; the stream stays. */
  pause(): void {
    this.#takeNow()
    this.#isRecording = false
    for (const { receiver } of this.#media) receiver?.flush()
  }

  touch(nowMs: number): void {
    this.#touch(nowMs)
  }

  #touch(nowMs: number): void {
    this.#lastActivityMs = nowMs
  }

  drained(): void {}

  check(nowMs: number): void {
    const { idleTimeoutMs } = this.#surroundings.limits
    const idleMs = nowMs - this.#lastActivityMs
    if (idleMs > idleTimeoutMs) throw new RtspIdleError(idleMs, 'rtsp.idleTimeoutMs')
    if (!this.#isRecording || nowMs - this.#reportedMs < REPORT_EVERY_MS) return
    this.#reportedMs = nowMs
    for (const media of this.#media) this.#report(media, nowMs)
  }

  /**
   * Over TCP nothing gets lost, so there is nothing to report, and it would do harm: FFmpeg closes its socket with what
   * it has not read, and the reset this makes takes from us what was sent last.
   */
  #report({ way, receiver }: AnnouncedMedia, nowMs: number): void {
    if (way === undefined || !('udp' in way) || way.clientPorts === undefined) return
    const report = receiver?.report(this.#ssrc, 'tapedeck', nowMs)
    if (report !== undefined) way.udp.rtcp.send(report, way.clientPorts[1], this.#peer.remoteAddress, () => {})
  }

  /** What was sent before the publisher said that it is done may still lie in our ports. */
  #takeNow(): void {
    for (const { way } of this.#media) if (way !== undefined && 'udp' in way) way.udp.takeNow()
  }

  end(end: StreamEnd): void {
    if (this.#isEnded) return
    this.#takeNow()
    if (this.#isEnded) return
    this.#isEnded = true
    this.#isRecording = false
    const draining = this.#media.flatMap(({ receiver }) => receiver?.drained() ?? [])
    if (draining.length === 0) this.#finish(end)
    else void Promise.allSettled(draining).then(() => this.#finish(end))
  }

  #finish(end: StreamEnd): void {
    for (const { receiver } of this.#media) receiver?.[Symbol.dispose]()
    this.#owned[Symbol.dispose]()
    if (this.#publication === undefined) return
    this.#log.info({ event: 'rtsp.publish-ended', cause: end.cause }, end.message)
    this.#publication.end(end)
  }
}

/** A frame within the connection. RFC 2326 §10.12. */
export function interleaved(channel: number, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + packet.length)
  frame[0] = 0x24
  frame[1] = channel
  frame[2] = packet.length >>> 8
  frame[3] = packet.length
  frame.set(packet, 4)
  return frame
}
