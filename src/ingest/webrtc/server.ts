import type { Logger, Runtime } from '#base/runtime.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import { type Hub, StreamPathInUseError } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import type { IceServer, PlayRequest, PublishRequest, WebRtcApi, WebRtcSession } from '#hub/webrtc.ts'
import { type AnsweredMedium, writeAnswer } from '#protocols/webrtc/answer.ts'
import { parseOffer, type SessionOffer } from '#protocols/webrtc/description.ts'
import { negotiateReceiving } from '#protocols/webrtc/negotiation.ts'
import { Ticker } from '../rtsp/ticker.ts'
import { TooManyWebRtcSessionsError, WebRtcStreamNotFoundError } from './errors.ts'
import { negotiatePlaying } from './play-negotiation.ts'
import { PlaySession } from './play-session.ts'
import { PublishSession } from './publish-session.ts'
import { Session } from './session.ts'
import type { SessionContent } from './session-content.ts'
import type { SoundForPlayers } from './sound-for-players.ts'
import { loadWebRtcLibrary, Transport, type WebRtcLibrary } from './transport.ts'
import { UdpPort } from './udp-port.ts'

export interface WebRtcServerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly config: Config['webrtc'] & { readonly udp: ListenAddress }
  /** What browsers can't play is transcoded by it. */
  readonly sound: SoundForPlayers
}

/** That many sessions that ended on this side are remembered, for browsers that are about to end them too. */
const MAX_REMEMBERED = 1000

/** Browsers that publish and play: one UDP port, one session each. */
export class WebRtcServer implements WebRtcApi, AsyncDisposable {
  readonly iceServers: readonly IceServer[]
  readonly #options: WebRtcServerOptions
  readonly #library: WebRtcLibrary
  readonly #port: UdpPort
  readonly #ticker: Ticker
  readonly #sessions = new Map<string, Session>()
  readonly #ticks = new Map<Session, Disposable>()
  readonly #endedHere = new Set<string>()
  /** By the address an offer came from: offers that are being answered. */
  readonly #answering = new Map<string, number>()
  #isClosed = false

  private constructor(options: WebRtcServerOptions, library: WebRtcLibrary, port: UdpPort) {
    this.#options = options
    this.#library = library
    this.#port = port
    this.#ticker = new Ticker(options.runtime.monotonicMs)
    this.iceServers = options.config.iceServers
  }

  /** Opens the port. @throws {WebRtcListenError} */
  static async start(options: WebRtcServerOptions): Promise<WebRtcServer> {
    const library = await loadWebRtcLibrary()
    const port = await UdpPort.open(library, options.config.udp)
    return new WebRtcServer(options, library, port)
  }

  /** Where media is taken (port 0 gave a free one). */
  get address(): ListenAddress {
    return this.#port.address
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values()
  }

  session(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  endedHere(id: string): boolean {
    return this.#endedHere.delete(id)
  }

  async publish(request: PublishRequest): Promise<WebRtcSession> {
    const { hub, config, runtime } = this.#options
    const path = normalizeStreamPath(request.path)
    if (hub.get(path) !== undefined) throw new StreamPathInUseError(path)
    const offer = parseOffer(request.sdp)
    const maxBitrateBps = request.maxBitrateBps ?? config.maxBitrate
    const codecs = { video: config.videoCodecs, audio: config.audioCodecs, ...request.codecs }
    const negotiation = negotiateReceiving(offer, codecs, maxBitrateBps)
    return this.#answer(request, path, offer, negotiation.answered, (parts) => {
      return new PublishSession({ ...parts, path, request, negotiation, maxBitrateBps, hub, runtime, limits: config })
    })
  }

  async play(request: PlayRequest): Promise<WebRtcSession> {
    const { hub, config, runtime, sound } = this.#options
    const path = normalizeStreamPath(request.path)
    const offer = parseOffer(request.sdp)
    const stream = hub.get(path)
    if (stream === undefined) throw new WebRtcStreamNotFoundError(path)
    const { media, answered } = negotiatePlaying(offer, stream)
    const { idleTimeoutMs } = config
    return this.#answer(request, path, offer, answered, (parts) => {
      return new PlaySession({ ...parts, stream, media, sound, runtime, idleTimeoutMs })
    })
  }

  async #answer(
    request: PlayRequest,
    path: string,
    offer: SessionOffer,
    answered: readonly AnsweredMedium[],
    contentOf: (parts: ContentParts) => SessionContent,
  ): Promise<WebRtcSession> {
    const { runtime, config } = this.#options
    const { remoteAddress } = request
    this.#checkLimits(remoteAddress)
    this.#answering.set(remoteAddress, (this.#answering.get(remoteAddress) ?? 0) + 1)
    using _ = {
      [Symbol.dispose]: () => {
        const left = (this.#answering.get(remoteAddress) ?? 1) - 1
        if (left > 0) this.#answering.set(remoteAddress, left)
        else this.#answering.delete(remoteAddress)
      },
    }
    const { address: listen } = this.#port
    const transport = await Transport.accept(this.#library, {
      remote: offer.transport,
      listen,
      advertise: config.advertise,
    })
    if (this.#isClosed) {
      transport[Symbol.dispose]()
      throw new TooManyWebRtcSessionsError('are possible while the server ends', 0, 'nothing')
    }
    // Whoever knows a session's id may end it. What is shown of it in lists and logs is another one.
    const id = runtime.newId()
    const connectionId = runtime.newId()
    const log = runtime.log.child({ stream: path, connectionId })
    const content = contentOf({
      connectionId,
      log,
      send: (packet) => void transport.send(packet),
      disconnect: (end) => this.#sessions.get(id)?.close(end),
      finish: (reason, end) => this.#sessions.get(id)?.finish(reason, end),
      fail: (error) => this.#sessions.get(id)?.fail(error),
    })
    const session = new Session({
      id,
      connectionId,
      path,
      remoteAddress,
      answer: writeAnswer({
        sessionId: String(Math.floor(Math.random() * 2 ** 52)),
        transport: transport.local,
        media: answered,
        allowsMixedExtensions: offer.allowsMixedExtensions,
      }),
      remoteUfrag: offer.transport.ufrag,
      transport,
      content,
      runtime,
      log,
      iceTimeoutMs: config.iceTimeoutMs,
      onEnded: (ended) => this.#ended(ended),
    })
    this.#sessions.set(id, session)
    this.#ticks.set(
      session,
      this.#ticker.add((nowMs) => session.tick(nowMs)),
    )
    return session
  }

  #ended(session: Session): void {
    this.#sessions.delete(session.id)
    this.#ticks.get(session)?.[Symbol.dispose]()
    this.#ticks.delete(session)
    if (session.ended?.reason === 'closed') return
    this.#endedHere.add(session.id)
    for (const oldest of this.#endedHere) {
      if (this.#endedHere.size <= MAX_REMEMBERED) break
      this.#endedHere.delete(oldest)
    }
  }

  /** Offers cost nothing to send: only so many are answered before somebody really comes. */
  #checkLimits(remoteAddress: string): void {
    const { maxSessions, maxConnecting, maxConnectingPerAddress } = this.#options.config
    let connecting = 0
    let fromThere = 0
    for (const [address, answering] of this.#answering) {
      connecting += answering
      if (address === remoteAddress) fromThere += answering
    }
    const open = this.#sessions.size + connecting
    for (const session of this.#sessions.values()) {
      if (session.state !== 'connecting') continue
      connecting++
      if (session.remoteAddress === remoteAddress) fromThere++
    }
    if (open >= maxSessions) throw new TooManyWebRtcSessionsError('are open', maxSessions, 'webrtc.maxSessions')
    if (connecting >= maxConnecting) {
      throw new TooManyWebRtcSessionsError('are being connected', maxConnecting, 'webrtc.maxConnecting')
    }
    if (fromThere >= maxConnectingPerAddress) {
      const key = 'webrtc.maxConnectingPerAddress'
      throw new TooManyWebRtcSessionsError(`from ${remoteAddress} are being connected`, maxConnectingPerAddress, key)
    }
  }

  /** Ends every session with cause `shutdown`. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const session of [...this.#sessions.values()]) {
      session.close({ cause: 'shutdown', message: 'the server is shutting down' })
    }
    this.#ticker[Symbol.dispose]()
    this.#port[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What every session's content is given. */
export interface ContentParts {
  readonly connectionId: string
  readonly log: Logger
  readonly send: (packet: Uint8Array) => void
  readonly disconnect: (end: StreamEnd) => void
  readonly finish: Session['finish']
  readonly fail: (error: unknown) => void
}
