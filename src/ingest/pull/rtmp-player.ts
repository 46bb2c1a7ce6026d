import { randomBytes } from 'node:crypto'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { type PullRequest, type PullStop, pullProtocol } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS, type StreamEnd } from '#hub/stream.ts'
import { type AmfValue, amfFields } from '#media/flv/amf-value.ts'
import type { MessageHead, Placement } from '#protocols/rtmp/chunk-reader.ts'
import {
  decodeCommand,
  decodeData,
  MessageType,
  type RtmpCommand,
  type RtmpMessage,
  UserControlEvent,
} from '#protocols/rtmp/message.ts'
import { RtmpToStream } from '../rtmp/to-stream.ts'
import type { ReadPacer } from '../tcp/read-pacer.ts'
import { accessManagerAnswer } from './access-manager.ts'
import type { SocketEnds } from './connect-socket.ts'
import {
  PullConnectionLostError,
  PullIdleError,
  PullRefusedError,
  PullSourceEndedError,
  PullStreamNotFoundError,
  PullTimeoutError,
} from './errors.ts'
import { OriginConnection, type OriginUser } from './origin-connection.ts'
import { connectCommand, createStreamCommand, deleteStreamCommand, playCommand, Transaction } from './play-commands.ts'
import type { RtmpUrl } from './rtmp-url.ts'

/** How often timeouts are looked at. */
const SWEEP_MS = 1_000
/** What players have; a server may send that much ahead. */
const BUFFER_MS = 3_000
/** Data messages that servers send to players about themselves: nothing of the stream's. */
const SERVER_DATA: ReadonlySet<unknown> = new Set(['onPlayStatus', 'onStatus', '|RtmpSampleAccess'])

export interface PullLimits {
  /** From connecting until the origin says that it plays. */
  readonly connectTimeoutMs: number
  /** Without media for longer the origin is given up. */
  readonly idleTimeoutMs: number
  readonly maxMessageBytes: number
  readonly maxChunkStreams: number
}

export interface RtmpPlayerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly limits: PullLimits
  readonly url: RtmpUrl
  readonly request: PullRequest
  /** Answer to a login the origin asked for; empty at first. */
  readonly loginQuery: string
  readonly pacer: ReadPacer
  /** Shared by all plain sockets. */
  readonly readBuffer: Uint8Array
  readonly onOver: (outcome: PullOutcome) => void
}

/** How a connection ended. `challenged`: to be tried again with this login. */
export type PullOutcome =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'challenged'; readonly loginQuery: string }

/** What the origin owes us; the values are words of PullTimeoutError. */
type Phase = 'the connection' | 'the handshake' | 'connect' | 'createStream' | 'play' | 'media' | 'over'

/** Plays one stream of an origin over one connection: what it plays is published in the hub. Adobe RTMP 1.0 §7.2.2. */
export class RtmpPlayer implements OriginUser {
  readonly #options: RtmpPlayerOptions
  readonly #id: string
  readonly #log: Logger
  readonly #connection: OriginConnection
  readonly #openedMs: number
  readonly #sweeper: NodeJS.Timeout
  readonly #onAbort = () => this.#stop()
  #ends: SocketEnds = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 }
  #phase: Phase = 'the connection'
  #messageStreamId = 0
  #serverName = ''
  #publication: Publication | undefined
  #input: RtmpToStream | undefined
  /** onMetaData that came before the media. */
  #metadata: RtmpMessage | undefined
  #hasMedia = false
  #lastMediaMs: number

  constructor(options: RtmpPlayerOptions) {
    const { runtime, limits, request, url, pacer, readBuffer } = options
    this.#options = options
    this.#id = runtime.newId()
    this.#log = runtime.log.child({ protocol: pullProtocol(url.scheme), connectionId: this.#id, stream: request.path })
    this.#openedMs = runtime.monotonicMs()
    this.#lastMediaMs = this.#openedMs
    this.#sweeper = setInterval(() => this.#attempt(() => this.#checkTimeouts()), SWEEP_MS)
    this.#connection = new OriginConnection({
      url,
      verifyTls: request.verifyTls,
      ...limits,
      pacer,
      readBuffer,
      user: this,
    })
    if (request.signal.aborted) this.#stop()
    else request.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  connected(ends: SocketEnds): void {
    this.#ends = ends
    this.#phase = 'the handshake'
  }

  ready(): void {
    const { url, loginQuery } = this.#options
    this.#phase = 'connect'
    this.#connection.sendCommand(0, connectCommand(url, loginQuery))
  }

  mayGather(): boolean {
    return this.#publication?.stream.isWatched === false
  }

  failed(error: unknown): void {
    this.#fail(error)
  }

  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    const placement = this.#input?.place(head, firstBytes)
    if (placement !== undefined) this.#hasMedia = true
    return placement
  }

  message(message: RtmpMessage): void {
    switch (message.typeId) {
      case MessageType.audio:
      case MessageType.video:
        this.#media(message)
        break
      case MessageType.data:
      case MessageType.dataAmf3:
        this.#data(message)
        break
      case MessageType.command:
      case MessageType.commandAmf3:
        this.#command(decodeCommand(message))
        break
      // Acknowledgements and shared objects are nobody's.
      default:
    }
  }

  streamEof(messageStreamId: number): void {
    if (messageStreamId === this.#messageStreamId && messageStreamId !== 0)
      throw new PullSourceEndedError(this.#options.url.shown)
  }

  #command({ name, transactionId, args }: RtmpCommand): void {
    const { shown } = this.#options.url
    switch (name) {
      case '_result':
        if (transactionId === Transaction.connect && this.#phase === 'connect') this.#accepted(args)
        else if (transactionId === Transaction.createStream && this.#phase === 'createStream') this.#play(args[1])
        break
      case '_error':
        if (transactionId === Transaction.connect || transactionId === Transaction.createStream) this.#refused(args[1])
        break
      case 'onStatus':
        this.#status(args[1])
        break
      case 'close':
        throw new PullConnectionLostError(shown, undefined)
      default: // onBWDone, onFCSubscribe and other calls that want no answer
    }
  }

  #accepted(args: readonly AmfValue[]): void {
    this.#serverName = text(amfFields(args[0])['fmsVer']).slice(0, 200)
    this.#phase = 'createStream'
    this.#connection.sendCommand(0, createStreamCommand())
  }

  #play(id: AmfValue): void {
    this.#messageStreamId = typeof id === 'number' && id >= 0 && id < 2 ** 32 ? Math.floor(id) : 1
    this.#phase = 'play'
    this.#connection.sendCommand(this.#messageStreamId, playCommand(this.#options.url.stream))
    this.#connection.sendUserControl(UserControlEvent.setBufferLength, this.#messageStreamId, BUFFER_MS)
  }

  #refused(information: AmfValue): void {
    const { url } = this.#options
    const fields = amfFields(information)
    const description = text(fields['description'])
    const nonce = randomBytes(4).toString('hex')
    const loginQuery = accessManagerAnswer(description, { user: url.user, password: url.password, nonce })
    if (loginQuery !== undefined) this.#finish({ kind: 'challenged', loginQuery }, undefined)
    else throw new PullRefusedError(url.shown, text(fields['code']).slice(0, 100), description.slice(0, 300))
  }

  #status(information: AmfValue): void {
    const fields = amfFields(information)
    const code = text(fields['code'])
    const description = text(fields['description'])
    const { shown } = this.#options.url
    switch (code) {
      case 'NetStream.Play.StreamNotFound':
        throw new PullStreamNotFoundError(shown)
      case 'NetStream.Play.UnpublishNotify':
      case 'NetStream.Play.Stop':
      case 'NetStream.Play.Complete':
        throw new PullSourceEndedError(shown)
      case 'NetConnection.Connect.Closed':
        throw new PullConnectionLostError(shown, undefined)
      case 'NetStream.Play.Start':
        if (this.#phase === 'play') this.#phase = 'media'
        this.#lastMediaMs = this.#options.runtime.monotonicMs()
        break
      default:
        if (fields['level'] === 'error' || code === 'NetStream.Play.Failed' || code === 'NetStream.Failed') {
          throw new PullRefusedError(shown, code.slice(0, 100), description.slice(0, 300))
        }
    }
  }

  #data(message: RtmpMessage): void {
    const values = decodeData(message)
    if (values[0] === 'onPlayStatus') this.#status(values[1])
    if (SERVER_DATA.has(values[0])) return
    if (this.#input !== undefined) this.#input.data(message)
    else if (values.includes('onMetaData')) this.#metadata = { ...message, body: message.body.slice() }
  }

  #media(message: RtmpMessage): void {
    // Some servers keep a player of a silent stream alive with empty messages.
    if (message.body.length === 0) return
    this.#hasMedia = true
    this.#publish().media(message)
  }

  /** @throws {StreamPathInUseError | TooManyPublishersError} */
  #publish(): RtmpToStream {
    if (this.#input !== undefined) return this.#input
    const { hub, url, request, runtime } = this.#options
    this.#publication = hub.publish(request.path, {
      // The query of an origin's address holds what opens it: nobody's to see, so none is told.
      ...NO_CONNECTION_FACTS,
      ...this.#ends,
      protocol: pullProtocol(url.scheme),
      connectionId: this.#id,
      encoder: this.#serverName,
      disconnect: (reason) => this.#disconnected(reason),
    })
    const { stream } = this.#publication
    this.#input = new RtmpToStream({ stream, log: this.#log, monotonicMs: runtime.monotonicMs })
    if (this.#metadata !== undefined) this.#input.data(this.#metadata)
    this.#phase = 'media'
    this.#log.info({ event: 'pull.streaming', from: url.shown, server: this.#serverName })
    request.onStreaming()
    return this.#input
  }

  #checkTimeouts(): void {
    const { runtime, limits, url } = this.#options
    const nowMs = runtime.monotonicMs()
    if (this.#phase !== 'media') {
      const waitedMs = nowMs - this.#openedMs
      if (waitedMs > limits.connectTimeoutMs)
        throw new PullTimeoutError(url.shown, limits.connectTimeoutMs, this.#phase)
      return
    }
    if (this.#hasMedia) {
      this.#hasMedia = false
      this.#lastMediaMs = nowMs
    }
    const idleMs = nowMs - this.#lastMediaMs
    if (idleMs > limits.idleTimeoutMs) throw new PullIdleError(url.shown, idleMs)
    this.#input?.checkTracks()
  }

  /** The signal of the request: leave politely. */
  #stop(): void {
    const { cause, message } = this.#options.request.signal.reason as PullStop
    this.#leave()
    this.#finish({ kind: 'stopped' }, { cause, message })
  }

  /** Somebody ended the stream in the hub; whoever wants the pull kept alive tries again. */
  #disconnected(reason: string): void {
    this.#leave()
    const error = new PullSourceEndedError(this.#options.url.shown)
    this.#finish({ kind: 'failed', error }, { cause: 'disconnected', message: reason })
  }

  #leave(): void {
    if (this.#messageStreamId > 0) this.#connection.sendCommand(0, deleteStreamCommand(this.#messageStreamId))
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof TapedeckError)) this.#log.error({ event: 'pull.unexpected', err: error })
    const cause = error instanceof PullSourceEndedError ? 'unpublished' : 'lost'
    this.#finish({ kind: 'failed', error }, { cause, message: errorMessage(error) })
  }

  #finish(outcome: PullOutcome, end: StreamEnd | undefined): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    clearInterval(this.#sweeper)
    this.#options.request.signal.removeEventListener('abort', this.#onAbort)
    this.#connection.close()
    if (end !== undefined) this.#publication?.end(end)
    this.#input?.[Symbol.dispose]()
    this.#options.onOver(outcome)
  }
}

function text(value: AmfValue): string {
  return typeof value === 'string' ? value : ''
}
