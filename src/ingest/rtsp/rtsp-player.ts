import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { type PullRequest, type PullStop, pullProtocol } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS, type Stream, type StreamEnd } from '#hub/stream.ts'
import { MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import { MultiplexReceiver } from '#ingest/rtp/multiplex-receiver.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { RtspMessageError } from '#protocols/rtsp/errors.ts'
import type { RtspRequest } from '#protocols/rtsp/message.ts'
import {
  PullConnectionLostError,
  PullIdleError,
  PullNothingPlayableError,
  PullProtocolError,
  PullSourceEndedError,
  PullTimeoutError,
} from '../pull/errors.ts'
import type { ReaderSlots } from '../pull/libav/reader-slots.ts'
import type { ReadWish, TransportUser } from '../tcp/transport.ts'
import { ClientConnection } from './client-connection.ts'
import { ClientDialog, type Described } from './client-dialog.ts'
import { type ClientLink, type LinkMeans, openLink } from './client-link.ts'
import { ClientLogin } from './client-login.ts'
import { ClientTracks, type SetUpTrack } from './client-tracks.ts'
import { openTunnel } from './client-tunnel.ts'
import { type RtspUrl, redirected } from './client-url.ts'
import { type OfferedTrack, offeredTracks } from './offered-tracks.ts'
import type { UdpPorts } from './udp-ports.ts'

/** How often timeouts are looked at; the pull's clock calls. */
export const SWEEP_MS = 1_000
/** How long packets over UDP are waited for before the network is taken to let none through. */
const UDP_PATIENCE_MS = 3_000

/** RFC 3550 §6.2 has 5 seconds as the smallest interval. */
const REPORT_EVERY_MS = 5_000
/** The politest server is not waited for longer than this to take leave. */
const FAREWELL_MS = 500
/** A read of this size means a fast stream: reading on at once keeps its kernel buffer from filling. */
const LARGE_READ_BYTES = 64 * 1024
/** By then the source has told how its tracks belong together; before, arrivals do, and reads must not be gathered. */
const GATHER_AFTER_MS = 10_000

export interface RtspLimits {
  /** From connecting until the source says that it plays. */
  readonly connectTimeoutMs: number
  /** Without media for longer the source is given up. */
  readonly idleTimeoutMs: number
  /** Over UDP a missing packet is waited for as long as that. */
  readonly reorderMs: number
}

export interface RtspPlayerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly limits: RtspLimits
  readonly url: RtspUrl
  readonly request: PullRequest
  /** Undefined: a transport stream can't be taken apart. */
  readonly readers: ReaderSlots | undefined
  /** Undefined: media comes over TCP. */
  readonly ports: UdpPorts | undefined
  /** UDP may turn out not to work: the server refuses it, or nothing comes through. */
  readonly mayFallBack: boolean
  readonly means: Pick<LinkMeans, 'pacer' | 'readBuffer'>
}

/** How a session ended that has not failed. `silent`: nothing comes over UDP. */
export type PlayOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'redirected'; readonly to: RtspUrl }

/** What the source owes us; the values are words of PullTimeoutError. */
type Phase = 'the connection' | 'OPTIONS' | 'DESCRIBE' | 'SETUP' | 'PLAY' | 'media' | 'over'

/** One RTSP session as a player: what it plays is published in the hub. RFC 2326. */
export class RtspPlayer implements TransportUser {
  readonly #options: RtspPlayerOptions
  readonly #id: string
  readonly #log: Logger
  readonly #connection: ClientConnection
  readonly #login: ClientLogin
  readonly #dialog: ClientDialog
  readonly #openedMs: number
  /** Aborted when it is over. */
  readonly #ending = new AbortController()
  readonly #over = Promise.withResolvers<PlayOutcome>()
  readonly #clock = new SourceClock()
  #link: ClientLink | undefined
  #phase: Phase = 'the connection'
  /** Undefined until there is a connection. */
  #tracks: ClientTracks | undefined
  #publication: Publication | undefined
  #end: StreamEnd | undefined
  #playedMs = 0
  #firstMediaMs = 0
  #lastMediaMs = 0
  #receivedPackets = 0
  #reportedMs = 0

  constructor(options: RtspPlayerOptions) {
    const { runtime, request, url } = options
    this.#options = options
    this.#id = runtime.newId()
    this.#log = runtime.log.child({ protocol: pullProtocol(url.scheme), connectionId: this.#id, stream: request.path })
    this.#openedMs = runtime.monotonicMs()
    this.#login = new ClientLogin(url)
    this.#connection = new ClientConnection({
      shown: url.shown,
      login: this.#login,
      frame: (channel, bytes, start, end) => this.#tracks?.frame(channel, bytes, start, end),
      asked: (asked) => this.#asked(asked),
    })
    this.#dialog = new ClientDialog({
      url,
      connection: this.#connection,
      redirected: (location) => this.#redirected(location),
      forgotten: (error) => this.#fail(error),
    })
    // Whoever runs it looks at it.
    this.#over.promise.catch(() => {})
  }

  /** From connecting to the end of the stream. @throws {TapedeckError} it can't be had, or is over */
  async run(): Promise<PlayOutcome> {
    const { signal } = this.#options.request
    const stop = () => this.#stop(signal.reason as PullStop)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    try {
      this.#open().catch((error: unknown) => this.#fail(error))
      return await this.#over.promise
    } finally {
      signal.removeEventListener('abort', stop)
      await this.#close()
    }
  }

  /** Looks at timeouts, and sends what is due; call it every {@link SWEEP_MS}. */
  sweep(): void {
    this.#attempt(() => this.#sweep())
  }

  /** Gives up packets that were waited for too long; call it every few tens of milliseconds. */
  tick(nowMs: number): void {
    const tracks = this.#tracks
    if (tracks?.lower !== 'udp' || this.#publication === undefined || this.#isOver) return
    this.#attempt(() => {
      for (const { receiver } of tracks.all) receiver?.tick(nowMs)
    })
  }

  received(bytes: Uint8Array): ReadWish {
    this.#attempt(() => this.#connection.received(bytes))
    if (this.#isOver) return this.#ending.signal.aborted ? 'stop' : 'now'
    return this.#mayGather && bytes.length < LARGE_READ_BYTES ? 'later' : 'now'
  }

  /** Nobody watches, and the tracks' times have been put beside each other by their arrival. */
  get #mayGather(): boolean {
    if (this.#publication === undefined || this.#publication.stream.isWatched) return false
    return this.#lastMediaMs - this.#firstMediaMs > GATHER_AFTER_MS
  }

  /** Little is ever sent. */
  drained(): void {}

  closed(error: Error | undefined): void {
    const lost = new PullConnectionLostError(this.#options.url.shown, error)
    this.#connection.fail(lost)
    this.#fail(lost)
  }

  async #open(): Promise<void> {
    const { url, request, means } = this.#options
    const how = { ...means, verifyTls: request.verifyTls, signal: this.#ending.signal }
    const link = url.isTunnelled ? await openTunnel(url, how, this.#login, this) : await openLink(url, how, this)
    this.#link = link
    this.#connection.use(link)
    if (this.#isOver) {
      link.destroy()
      return
    }
    const tracks = this.#waysFor(link)
    this.#tracks = tracks
    this.#phase = 'OPTIONS'
    await this.#dialog.options()
    if (this.#isOver) return
    this.#phase = 'DESCRIBE'
    const described = await this.#dialog.describe()
    if (described === undefined) return
    const offered = this.#offered(described)
    this.#phase = 'SETUP'
    await tracks.setUp(offered)
    if (this.#isOver) return
    this.#phase = 'PLAY'
    await this.#dialog.play(described.description)
    if (this.#isOver) return
    this.#phase = 'media'
    const nowMs = this.#options.runtime.monotonicMs()
    this.#playedMs = nowMs
    this.#lastMediaMs = Math.max(this.#lastMediaMs, nowMs)
    this.#dialog.used(nowMs)
    tracks.openWays()
  }

  #waysFor({ ends }: ClientLink): ClientTracks {
    const { ports, mayFallBack } = this.#options
    return new ClientTracks({
      dialog: this.#dialog,
      connection: this.#connection,
      ends,
      name: this.#id,
      ports,
      mayFallBack,
      isOver: () => this.#isOver,
      media: (track, bytes, start, end) => this.#packet(track, bytes, start, end),
      control: ({ receiver }, bytes) => receiver?.rtcp(bytes, this.#nowMs()),
      attempt: (work) => this.#attempt(work),
      mayGather: () => this.#mayGather,
      log: this.#log,
    })
  }

  /** @throws {PullNothingPlayableError} */
  #offered({ description, base }: Described): readonly OfferedTrack[] {
    const { tracks, left } = offeredTracks(description, base)
    if (left.length > 0) this.#log.info({ event: 'pull.media-left', left })
    if (tracks.length === 0) throw new PullNothingPlayableError(this.#options.url.shown, left)
    return tracks
  }

  #redirected(location: string): void {
    const to = redirected(this.#options.url, location.trim())
    const end = { cause: 'unpublished', message: `the source sends us to ${to.shown}` } as const
    this.#finish({ kind: 'redirected', to }, end)
  }

  /** What a server asks for by itself. RFC 2326 §10.10. */
  #asked({ method, headers }: RtspRequest): void {
    const location = headers.get('Location')
    if (method === 'REDIRECT' && location !== undefined) this.#redirected(location)
    else if (method === 'REDIRECT' || method === 'TEARDOWN') {
      throw new PullSourceEndedError(this.#options.url.shown)
    }
  }

  #packet(setUp: SetUpTrack, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return
    const { receiver = this.#publish(setUp) } = setUp
    receiver.rtp(bytes, start, end, this.#nowMs())
  }

  /** The first packet makes the stream, with all of its tracks. */
  #publish(first: SetUpTrack): MediaReceiver {
    const { hub, url, request, runtime, limits } = this.#options
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = this.#link?.ends ?? {}
    this.#publication ??= hub.publish(request.path, {
      // The query of an origin's address holds what opens it: nobody's to see, so none is told.
      ...NO_CONNECTION_FACTS,
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      protocol: pullProtocol(url.scheme),
      connectionId: this.#id,
      encoder: this.#dialog.serverName,
      disconnect: (reason) => this.#disconnected(reason),
    })
    const { stream } = this.#publication
    const isFirst = this.#firstMediaMs === 0
    const setUpTracks = this.#tracks?.all ?? []
    for (const setUp of setUpTracks) {
      const { format, trackId } = setUp.track
      const rest = {
        stream,
        trackId,
        clock: this.#clock,
        reorderMs: setUp.lower === 'udp' ? limits.reorderMs : 0,
        monotonicMs: runtime.monotonicMs,
        log: this.#log,
      }
      setUp.receiver ??=
        'payloadFormat' in format
          ? new MediaReceiver({ ...rest, format, damaged: request.damaged })
          : new MediaReceiver({ ...rest, format, consumer: this.#multiplexReceiver(stream) })
    }
    if (isFirst) {
      this.#firstMediaMs = this.#nowMs()
      this.#lastMediaMs = this.#firstMediaMs
      const tracks = setUpTracks.map(({ track, lower }) => `${encodingOf(track)} over ${lower}`)
      this.#log.info({ event: 'pull.streaming', from: url.shown, server: this.#dialog.serverName, tracks })
      request.onStreaming()
    }
    return first.receiver as MediaReceiver
  }

  /** @throws {TooManyPullProcessesError} */
  #multiplexReceiver(stream: Stream): MultiplexReceiver {
    const { request, url, readers } = this.#options
    if (readers === undefined) throw new PullNothingPlayableError(url.shown, ['video MP2T: no reader'])
    return new MultiplexReceiver({ stream, damaged: request.damaged, readers, shown: url.shown, log: this.#log })
  }

  #sweep(): void {
    const { limits, url, mayFallBack } = this.#options
    const nowMs = this.#nowMs()
    if (this.#isOver) return
    if (this.#phase !== 'media') {
      if (nowMs - this.#openedMs <= limits.connectTimeoutMs) return
      throw new PullTimeoutError(url.shown, limits.connectTimeoutMs, this.#phase)
    }
    const tracks = this.#tracks
    if (this.#publication === undefined && tracks?.lower === 'udp' && mayFallBack) {
      if (nowMs - this.#playedMs >= UDP_PATIENCE_MS) this.#finish({ kind: 'silent' }, undefined)
      else tracks.openWays()
    }
    const receivers = tracks?.all.flatMap(({ receiver }) => receiver ?? []) ?? []
    const received = receivers.reduce((sum, { receivedPackets }) => sum + receivedPackets, 0)
    if (received !== this.#receivedPackets) this.#lastMediaMs = nowMs
    this.#receivedPackets = received
    const silentMs = nowMs - this.#lastMediaMs
    if (silentMs > limits.idleTimeoutMs) throw new PullIdleError(url.shown, silentMs)
    const active = receivers.filter(({ receivedPackets }) => receivedPackets > 0)
    if (active.length > 0 && active.every(({ saidGoodbye }) => saidGoodbye)) throw new PullSourceEndedError(url.shown)
    if (nowMs - this.#reportedMs >= REPORT_EVERY_MS) {
      this.#reportedMs = nowMs
      tracks?.report(nowMs)
    }
    this.#dialog.keepAlive(nowMs)
  }

  get #isOver(): boolean {
    return this.#phase === 'over'
  }

  #nowMs(): number {
    return this.#options.runtime.monotonicMs()
  }

  #stop({ cause, message }: PullStop): void {
    this.#finish({ kind: 'stopped' }, { cause, message })
  }

  /** Somebody ended the stream in the hub; whoever wants the pull kept alive tries again. */
  #disconnected(reason: string): void {
    this.#end = { cause: 'disconnected', message: reason }
    this.#fail(new PullSourceEndedError(this.#options.url.shown))
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(cause: unknown): void {
    if (this.#isOver) return
    const { shown } = this.#options.url
    const error = cause instanceof RtspMessageError ? new PullProtocolError(shown, `sent ${cause.reason}`) : cause
    if (!(error instanceof TapedeckError)) this.#log.error({ event: 'pull.unexpected', err: error })
    const isGoodbye = error instanceof PullSourceEndedError
    this.#end ??= { cause: isGoodbye ? 'unpublished' : 'lost', message: errorMessage(error) }
    this.#over.reject(error)
    this.#finish(undefined, this.#end)
  }

  #finish(outcome: PlayOutcome | undefined, end: StreamEnd | undefined): void {
    if (this.#isOver) return
    this.#tracks?.takeNow()
    // What that brought may have been the end itself.
    if (this.#isOver) return
    this.#phase = 'over'
    if (outcome !== undefined) this.#over.resolve(outcome)
    for (const { receiver } of this.#tracks?.all ?? []) receiver?.[Symbol.dispose]()
    if (end !== undefined) this.#publication?.end(end)
  }

  /** Takes leave of the server, as far as it answers, and closes everything. */
  async #close(): Promise<void> {
    const leave = new AbortController()
    if (this.#link !== undefined && (this.#tracks?.all.length ?? 0) > 0) {
      const patience = sleep(FAREWELL_MS, undefined, { signal: leave.signal }).catch(() => {})
      await Promise.race([this.#dialog.tearDown(), patience])
    }
    leave.abort()
    this.#ending.abort()
    this.#connection.fail(new PullConnectionLostError(this.#options.url.shown, undefined))
    this.#link?.destroy()
    this.#tracks?.[Symbol.dispose]()
  }
}

function encodingOf({ format }: OfferedTrack): string {
  return 'payloadFormat' in format ? format.payloadFormat.encoding : format.encoding
}
