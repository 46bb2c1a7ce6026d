import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { type PullRequest, type PullStop, pullProtocol } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS, type Stream, type StreamEnd } from '#hub/stream.ts'
import { MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import { MultiplexReceiver } from '#ingest/rtp/multiplex-receiver.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { writeReceiverReport } from '#protocols/rtp/rtcp.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { controlAddress } from '#protocols/rtsp/address.ts'
import { attributeOf, parseDescription, type SessionDescription } from '#protocols/rtsp/description.ts'
import { RtspMessageError } from '#protocols/rtsp/errors.ts'
import type { HeaderFields, RtspRequest, RtspResponse } from '#protocols/rtsp/message.ts'
import { parseTransport, type TransportSpec, writeTransport } from '#protocols/rtsp/transport.ts'
import {
  PullConnectionLostError,
  PullIdleError,
  PullNothingPlayableError,
  PullProtocolError,
  PullRefusedError,
  PullSourceEndedError,
  PullStreamNotFoundError,
  PullTimeoutError,
} from '../pull/errors.ts'
import type { ReaderSlots } from '../pull/libav/reader-slots.ts'
import type { ReadWish, TransportUser } from '../tcp/transport.ts'
import { ClientConnection } from './client-connection.ts'
import { type ClientLink, type LinkMeans, openLink } from './client-link.ts'
import { ClientLogin } from './client-login.ts'
import { ClientPorts } from './client-ports.ts'
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
/** RFC 2326 §12.37: when the server does not say. */
const SESSION_TIMEOUT_SECONDS = 60
/** The politest server is not waited for longer than this to take leave. */
const FAREWELL_MS = 500
/** A read of this size means a fast stream: reading on at once keeps its kernel buffer from filling. */
const LARGE_READ_BYTES = 64 * 1024
/** By then the source has told how its tracks belong together; before, arrivals do, and reads must not be gathered. */
const GATHER_AFTER_MS = 10_000
const MAX_SSRC = 2 ** 32

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

/** A track that the server has set up for us. */
interface SetUpTrack {
  readonly track: OfferedTrack
  readonly lower: 'udp' | 'tcp'
  readonly sendControl: (bytes: Uint8Array) => void
  receiver: MediaReceiver | undefined
}

/** One RTSP session as a player: what it plays is published in the hub. RFC 2326. */
export class RtspPlayer implements TransportUser {
  readonly #options: RtspPlayerOptions
  readonly #id: string
  readonly #log: Logger
  readonly #connection: ClientConnection
  readonly #login: ClientLogin
  readonly #openedMs: number
  readonly #ssrc = randomInt(MAX_SSRC)
  /** Aborted when it is over. */
  readonly #ending = new AbortController()
  readonly #over = Promise.withResolvers<PlayOutcome>()
  #link: ClientLink | undefined
  #phase: Phase = 'the connection'
  #serverName = ''
  #lower: 'udp' | 'tcp'
  readonly #tracks: SetUpTrack[] = []
  readonly #ports: ClientPorts[] = []
  /** By interleaved channel: of media, and of control. */
  readonly #media: (SetUpTrack | undefined)[] = []
  readonly #control: (SetUpTrack | undefined)[] = []
  readonly #clock = new SourceClock()
  #aggregate = ''
  #publication: Publication | undefined
  #end: StreamEnd | undefined
  #playedMs = 0
  #firstMediaMs = 0
  #lastMediaMs = 0
  #receivedPackets = 0
  #reportedMs = 0
  #keepAliveEveryMs = (SESSION_TIMEOUT_SECONDS * 1000) / 2
  #keptAliveMs = 0
  #keepAliveMethod: 'GET_PARAMETER' | 'OPTIONS' = 'OPTIONS'

  constructor(options: RtspPlayerOptions) {
    const { runtime, request, url } = options
    this.#options = options
    this.#id = runtime.newId()
    this.#lower = options.ports === undefined ? 'tcp' : 'udp'
    this.#log = runtime.log.child({ protocol: pullProtocol(url.scheme), connectionId: this.#id, stream: request.path })
    this.#openedMs = runtime.monotonicMs()
    this.#login = new ClientLogin(url)
    this.#connection = new ClientConnection({
      shown: url.shown,
      login: this.#login,
      frame: (channel, bytes, start, end) => this.#frame(channel, bytes, start, end),
      asked: (asked) => this.#asked(asked),
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
    if (this.#lower === 'tcp' || this.#publication === undefined || this.#isOver) return
    this.#attempt(() => {
      for (const { receiver } of this.#tracks) receiver?.tick(nowMs)
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
    await this.#learnMethods()
    const description = await this.#describe()
    if (description === undefined) return
    await this.#setUp(description)
    if (this.#isOver) return
    this.#phase = 'PLAY'
    const range = attributeOf(description.attributes, 'range').startsWith('npt=now') ? 'npt=now-' : 'npt=0.000-'
    await this.#ask('PLAY', this.#aggregate, [['Range', range]])
    if (this.#isOver) return
    this.#phase = 'media'
    const nowMs = this.#options.runtime.monotonicMs()
    this.#playedMs = nowMs
    this.#lastMediaMs = Math.max(this.#lastMediaMs, nowMs)
    this.#keptAliveMs = nowMs
    for (const port of this.#ports) this.#openWay(port)
  }

  /** What the server can do. One that does not like to be asked is believed to do what it must. */
  async #learnMethods(): Promise<void> {
    this.#phase = 'OPTIONS'
    const { headers } = await this.#connection.request('OPTIONS', this.#options.url.address, [], () => true)
    this.#serverName = (headers.get('Server') ?? '').slice(0, 200)
    if (/\bGET_PARAMETER\b/i.test(headers.get('Public') ?? '')) this.#keepAliveMethod = 'GET_PARAMETER'
  }

  async #describe(): Promise<SessionDescription | undefined> {
    const { url } = this.#options
    this.#phase = 'DESCRIBE'
    const response = await this.#ask('DESCRIBE', url.address, [['Accept', 'application/sdp']])
    if (response === undefined) return undefined
    const { headers, body } = response
    this.#serverName = (headers.get('Server') ?? this.#serverName).slice(0, 200)
    const description = parseDescription(Buffer.from(body).toString('utf8'))
    const base = headers.get('Content-Base') || headers.get('Content-Location') || url.address
    this.#aggregate = controlAddress(url.address, base.trim())
    return description
  }

  async #setUp(description: SessionDescription): Promise<void> {
    const { url } = this.#options
    const base = this.#aggregate
    const { tracks, left } = offeredTracks(description, base)
    if (left.length > 0) this.#log.info({ event: 'pull.media-left', left })
    if (tracks.length === 0) throw new PullNothingPlayableError(url.shown, left)
    this.#aggregate = controlAddress(base, description.control)
    this.#phase = 'SETUP'
    let refused: unknown
    for (const track of tracks) {
      try {
        await this.#setUpTrack(track)
      } catch (error) {
        if (!(error instanceof PullRefusedError)) throw error
        // One track that can't be had is no reason to lose the others.
        refused = error
        this.#log.warn({ event: 'pull.track-refused', track: track.trackId, err: error })
      }
      if (this.#isOver) return
    }
    if (this.#tracks.length === 0) throw refused
  }

  async #setUpTrack(track: OfferedTrack): Promise<void> {
    if (this.#lower === 'udp') {
      const { mayFallBack } = this.#options
      try {
        await this.#setUpUdp(track)
        return
      } catch (error) {
        const isFirst = this.#tracks.length === 0
        if (!(error instanceof PullRefusedError) || !mayFallBack || !isFirst) throw error
        this.#log.info({ event: 'pull.udp-refused', err: error })
        this.#lower = 'tcp'
      }
    }
    await this.#setUpTcp(track)
  }

  async #setUpUdp(track: OfferedTrack): Promise<void> {
    const ends = this.#link?.ends
    const { ports: free } = this.#options
    if (ends === undefined || free === undefined) return
    const setUp: { track: SetUpTrack | undefined } = { track: undefined }
    const pair = await free.open(ends.localAddress)
    const ports = new ClientPorts(pair, ends.remoteAddress, {
      media: (bytes) => this.#attempt(() => setUp.track && this.#packet(setUp.track, bytes, 0, bytes.length)),
      control: (bytes) => this.#attempt(() => setUp.track?.receiver?.rtcp(bytes, this.#nowMs())),
      mayGather: () => this.#mayGather,
    })
    const wanted = { profile: track.profile, lower: 'udp', clientPorts: ports.ports } as const
    const granted = await this.#requestTrack(track, wanted).catch((error: unknown) => {
      ports[Symbol.dispose]()
      throw error
    })
    if (granted === undefined || granted.lower === 'tcp' || this.#isOver) {
      ports[Symbol.dispose]()
      // Asked for UDP, it grants what it likes better.
      if (granted?.lower === 'tcp') this.#addInterleaved(track, granted)
      return
    }
    this.#ports.push(ports)
    const { serverPorts, source } = granted
    if (serverPorts !== undefined) ports.connect(ends.remoteAddress, serverPorts, source)
    setUp.track = { track, lower: 'udp', sendControl: (bytes) => ports.sendControl(bytes), receiver: undefined }
    this.#tracks.push(setUp.track)
  }

  async #setUpTcp(track: OfferedTrack): Promise<void> {
    const channel = 2 * this.#tracks.length
    const wanted = { profile: track.profile, lower: 'tcp', interleaved: [channel, channel + 1] } as const
    const granted = await this.#requestTrack(track, wanted)
    if (granted !== undefined)
      this.#addInterleaved(track, { ...granted, interleaved: granted.interleaved ?? wanted.interleaved })
  }

  #addInterleaved(track: OfferedTrack, { interleaved }: Pick<TransportSpec, 'interleaved'>): void {
    const [media, control] = interleaved ?? [2 * this.#tracks.length, 2 * this.#tracks.length + 1]
    this.#lower = 'tcp'
    const sendControl = (bytes: Uint8Array) => this.#connection.sendFrame(control, bytes)
    const setUp: SetUpTrack = { track, lower: 'tcp', sendControl, receiver: undefined }
    this.#media[media] = setUp
    this.#control[control] = setUp
    this.#tracks.push(setUp)
  }

  /** What the server grants; undefined: it sends us elsewhere. */
  async #requestTrack(
    track: OfferedTrack,
    wanted: Parameters<typeof writeTransport>[0],
  ): Promise<TransportSpec | undefined> {
    const response = await this.#ask('SETUP', track.address, [['Transport', writeTransport(wanted)]])
    if (response === undefined) return undefined
    const { headers } = response
    const [id = '', ...parameters] = (headers.get('Session') ?? '').split(';')
    if (id.trim() !== '') this.#connection.session = id.trim()
    const [, seconds] = /timeout\s*=\s*(\d{1,6})/i.exec(parameters.join(';')) ?? []
    if (seconds !== undefined) this.#keepAliveEveryMs = Math.max(SWEEP_MS, Number(seconds) * 500)
    const [granted] = parseTransport(headers.get('Transport') ?? '')
    const asWanted = { isMulticast: false, interleaved: undefined, clientPorts: undefined, serverPorts: undefined }
    return (
      granted ?? { ...asWanted, profile: track.profile, lower: wanted.lower, ssrc: undefined, mode: '', source: '' }
    )
  }

  /** Undefined: the source is somewhere else, and the session over. */
  async #ask(method: string, address: string, fields: HeaderFields): Promise<RtspResponse | undefined> {
    const isAnswer = (status: number) => (status >= 200 && status < 400) || status === 404
    const response = await this.#connection.request(method, address, fields, isAnswer)
    const { url } = this.#options
    if (response.status === 404 && method === 'DESCRIBE') throw new PullStreamNotFoundError(url.shown)
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('Location') : undefined
    if (location === undefined && response.status < 300) return response
    if (location === undefined) {
      throw new PullRefusedError(url.shown, `${method}: ${response.status}`, response.reason.slice(0, 300))
    }
    this.#redirected(location)
    return undefined
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

  #frame(channel: number, bytes: Uint8Array, start: number, end: number): void {
    const media = this.#media[channel]
    if (media !== undefined) this.#packet(media, bytes, start, end)
    else this.#control[channel]?.receiver?.rtcp(bytes.subarray(start, end), this.#nowMs())
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
      encoder: this.#serverName,
      disconnect: (reason) => this.#disconnected(reason),
    })
    const { stream } = this.#publication
    const isFirst = this.#firstMediaMs === 0
    for (const setUp of this.#tracks) {
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
      const tracks = this.#tracks.map(({ track, lower }) => `${encodingOf(track)} over ${lower}`)
      this.#log.info({ event: 'pull.streaming', from: url.shown, server: this.#serverName, tracks })
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
    if (this.#publication === undefined && this.#lower === 'udp' && mayFallBack) {
      if (nowMs - this.#playedMs >= UDP_PATIENCE_MS) this.#finish({ kind: 'silent' }, undefined)
      else for (const port of this.#ports) this.#openWay(port)
    }
    const receivers = this.#tracks.flatMap(({ receiver }) => receiver ?? [])
    const received = receivers.reduce((sum, { receivedPackets }) => sum + receivedPackets, 0)
    if (received !== this.#receivedPackets) this.#lastMediaMs = nowMs
    this.#receivedPackets = received
    const silentMs = nowMs - this.#lastMediaMs
    if (silentMs > limits.idleTimeoutMs) throw new PullIdleError(url.shown, silentMs)
    const active = receivers.filter(({ receivedPackets }) => receivedPackets > 0)
    if (active.length > 0 && active.every(({ saidGoodbye }) => saidGoodbye)) throw new PullSourceEndedError(url.shown)
    if (nowMs - this.#reportedMs >= REPORT_EVERY_MS) this.#report(nowMs)
    if (nowMs - this.#keptAliveMs >= this.#keepAliveEveryMs) this.#keepAlive(nowMs)
  }

  #report(nowMs: number): void {
    this.#reportedMs = nowMs
    for (const { receiver, sendControl } of this.#tracks) {
      const report = receiver?.report(this.#ssrc, this.#id, nowMs)
      if (report !== undefined) sendControl(report)
    }
  }

  /** Empty packets towards the server: what stands between lets its own through then. */
  #openWay(ports: ClientPorts): void {
    const header = { payloadType: 0, marker: false, sequenceNumber: 0, timestamp: 0, ssrc: this.#ssrc }
    ports.sendMedia(writeRtpPacket(header, new Uint8Array(0)))
    ports.sendControl(writeReceiverReport(this.#ssrc, [], this.#id))
  }

  /** The session is used, says any request. RFC 2326 §10.8: GET_PARAMETER without a body is made for it. */
  #keepAlive(nowMs: number): void {
    this.#keptAliveMs = nowMs
    const method = this.#keepAliveMethod
    this.#connection
      .request(method, this.#aggregate, [], () => true)
      .then(({ status, reason }) => {
        if (status < 300) return
        if (status === 454) {
          this.#fail(new PullRefusedError(this.#options.url.shown, `${method}: ${status}`, reason.slice(0, 300)))
        } else if (method === 'GET_PARAMETER') {
          this.#keepAliveMethod = 'OPTIONS'
          this.#keepAlive(this.#nowMs())
        }
      })
      // The connection is over, which is told elsewhere.
      .catch(() => {})
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
    this.#phase = 'over'
    if (outcome !== undefined) this.#over.resolve(outcome)
    for (const { receiver } of this.#tracks) receiver?.[Symbol.dispose]()
    if (end !== undefined) this.#publication?.end(end)
  }

  /** Takes leave of the server, which else keeps sending until its own timeout, and closes everything. */
  async #close(): Promise<void> {
    const leave = new AbortController()
    if (this.#link !== undefined && this.#tracks.length > 0) {
      const answered = this.#connection.request('TEARDOWN', this.#aggregate, [], () => true).catch(() => {})
      await Promise.race([answered, sleep(FAREWELL_MS, undefined, { signal: leave.signal }).catch(() => {})])
    }
    leave.abort()
    this.#ending.abort()
    this.#connection.fail(new PullConnectionLostError(this.#options.url.shown, undefined))
    this.#link?.destroy()
    for (const ports of this.#ports) ports[Symbol.dispose]()
  }
}

function encodingOf({ format }: OfferedTrack): string {
  return 'payloadFormat' in format ? format.payloadFormat.encoding : format.encoding
}
