import { randomBytes } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { type PullRequest, type PullStop, pullProtocol } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS, type StreamEnd } from '#hub/stream.ts'
import { type AmfValue, amfFields } from '#media/flv/amf-value.ts'
import { ChunkReader, type ChunkReaderSink, type MessageHead, type Placement } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { clientHello, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import {
  decodeCommand,
  decodeData,
  decodeU32,
  decodeUserControl,
  encodeU32,
  encodeUserControl,
  MessageType,
  type RtmpCommand,
  type RtmpMessage,
  splitAggregate,
  UserControlEvent,
} from '#protocols/rtmp/message.ts'
import { RtmpToStream } from '../rtmp/to-stream.ts'
import type { ReadPacer } from '../tcp/read-pacer.ts'
import { openTransport, type ReadWish, type Transport, type TransportUser } from '../tcp/transport.ts'
import { accessManagerAnswer } from './access-manager.ts'
import {
  PullConnectError,
  PullConnectionLostError,
  PullIdleError,
  PullProtocolError,
  PullRefusedError,
  PullSourceEndedError,
  PullStreamNotFoundError,
  PullTimeoutError,
} from './errors.ts'
import { connectCommand, createStreamCommand, deleteStreamCommand, playCommand, Transaction } from './play-commands.ts'
import type { RtmpUrl } from './rtmp-url.ts'

/** How often timeouts are looked at. */
const SWEEP_MS = 1_000
/** A read of this size means a fast stream: reading on at once keeps its kernel buffer from filling. */
const LARGE_READ_BYTES = 64 * 1024
/** What we ask to have acknowledged, and acknowledge until the origin asks for another. */
const WINDOW_BYTES = 2_500_000
const MIN_WINDOW_BYTES = 64 * 1024
/** What players have; a server may send that much ahead. */
const BUFFER_MS = 3_000
/** Data messages that servers send to players about themselves: nothing of the stream's. */
const SERVER_DATA: ReadonlySet<unknown> = new Set(['onPlayStatus', 'onStatus', '|RtmpSampleAccess'])
const SERVER_HELLO_BYTES = 1 + 2 * HANDSHAKE_BLOCK_BYTES

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

/** One connection to an origin, as a player: what it plays is published in the hub. Adobe RTMP 1.0 §7.2.2. */
export class RtmpPlayer implements TransportUser, ChunkReaderSink {
  readonly #options: RtmpPlayerOptions
  readonly #id: string
  readonly #log: Logger
  readonly #socket: Socket
  readonly #reader: ChunkReader
  readonly #writer = new ChunkWriter()
  readonly #openedMs: number
  readonly #sweeper: NodeJS.Timeout
  readonly #onAbort = () => this.#stop()
  #transport: Transport | undefined
  #ends = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 }
  #phase: Phase = 'the connection'
  #serverHello: Uint8Array | undefined = new Uint8Array(SERVER_HELLO_BYTES)
  #serverHelloBytes = 0
  #receivedBytes = 0
  #acknowledgedBytes = 0
  #windowBytes = WINDOW_BYTES
  #messageStreamId = 0
  #serverName = ''
  #publication: Publication | undefined
  #input: RtmpToStream | undefined
  /** onMetaData that came before the media. */
  #metadata: RtmpMessage | undefined
  #hasMedia = false
  #lastMediaMs: number

  constructor(options: RtmpPlayerOptions) {
    const { runtime, limits, request, url } = options
    this.#options = options
    this.#id = runtime.newId()
    this.#log = runtime.log.child({ protocol: pullProtocol(url.scheme), connectionId: this.#id, stream: request.path })
    this.#openedMs = runtime.monotonicMs()
    this.#lastMediaMs = this.#openedMs
    this.#reader = new ChunkReader({ ...limits, sink: this })
    this.#sweeper = setInterval(() => this.#attempt(() => this.#checkTimeouts()), SWEEP_MS)
    this.#socket = this.#connect()
    if (request.signal.aborted) this.#stop()
    else request.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  received(bytes: Uint8Array): ReadWish {
    this.#attempt(() => this.#take(bytes))
    if (this.#phase === 'over') return 'stop'
    const isUnwatched = this.#publication?.stream.isWatched === false
    return isUnwatched && bytes.length < LARGE_READ_BYTES ? 'later' : 'now'
  }

  /** Little is ever sent. */
  drained(): void {}

  closed(error: Error | undefined): void {
    this.#fail(new PullConnectionLostError(this.#options.url.shown, error))
  }

  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    const placement = this.#input?.place(head, firstBytes)
    if (placement !== undefined) this.#hasMedia = true
    return placement
  }

  message(message: RtmpMessage): void {
    if (this.#phase === 'over') return
    switch (message.typeId) {
      case MessageType.audio:
      case MessageType.video:
        this.#media(message)
        break
      case MessageType.aggregate:
        for (const part of splitAggregate(message)) if (part.typeId !== MessageType.aggregate) this.message(part)
        break
      case MessageType.data:
      case MessageType.dataAmf3:
        this.#data(message)
        break
      case MessageType.command:
      case MessageType.commandAmf3:
        this.#command(decodeCommand(message))
        break
      case MessageType.windowAcknowledgementSize:
        this.#windowBytes = Math.max(decodeU32(message), MIN_WINDOW_BYTES)
        break
      case MessageType.setPeerBandwidth:
        this.#sendControl(MessageType.windowAcknowledgementSize, encodeU32(WINDOW_BYTES))
        break
      case MessageType.userControl:
        this.#userControl(message)
        break
      // Chunk size and abort were obeyed by the reader; acknowledgements and shared objects are nobody's.
      default:
    }
  }

  #connect(): Socket {
    const { url, request } = this.#options
    const { host, port } = url
    const isTls = url.scheme === 'rtmps'
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const socket = isTls
      ? connectTls({ host, port, rejectUnauthorized: request.verifyTls, ...servername })
      : connectTcp({ host, port })
    // Nothing may be read before there is somewhere to read it to.
    if (!isTls) socket.pause()
    const refused = (error: Error) => this.#fail(new PullConnectError(url.shown, error))
    socket.once('error', refused)
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      socket.off('error', refused)
      this.#attempt(() => this.#connected(socket, isTls))
    })
    return socket
  }

  #connected(socket: Socket, isTls: boolean): void {
    const { pacer, readBuffer } = this.#options
    if (this.#phase === 'over') {
      socket.destroy()
      return
    }
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
    this.#ends = { remoteAddress, remotePort, localAddress, localPort }
    this.#phase = 'the handshake'
    this.#transport = openTransport(socket, this, pacer, isTls ? undefined : readBuffer)
    this.#transport.write(clientHello(randomBytes(HANDSHAKE_BLOCK_BYTES)))
  }

  #take(input: Uint8Array): void {
    if (this.#phase === 'over') return
    this.#receivedBytes += input.length
    const bytes = this.#takeServerHello(input)
    if (bytes.length > 0) this.#reader.push(bytes)
    if (this.#receivedBytes - this.#acknowledgedBytes < this.#windowBytes) return
    this.#acknowledgedBytes = this.#receivedBytes
    this.#sendControl(MessageType.acknowledgement, encodeU32(this.#receivedBytes % 2 ** 32))
  }

  /** S0, S1 and S2; what is left belongs to the chunks. */
  #takeServerHello(bytes: Uint8Array): Uint8Array {
    const hello = this.#serverHello
    if (hello === undefined) return bytes
    const taken = Math.min(SERVER_HELLO_BYTES - this.#serverHelloBytes, bytes.length)
    hello.set(bytes.subarray(0, taken), this.#serverHelloBytes)
    const before = this.#serverHelloBytes
    this.#serverHelloBytes += taken
    const { url, loginQuery } = this.#options
    if (hello[0] !== 3) throw new PullProtocolError(url.shown, `answers with version ${hello[0]} instead of 3`)
    const s1End = 1 + HANDSHAKE_BLOCK_BYTES
    if (before < s1End && this.#serverHelloBytes >= s1End) this.#transport?.write(hello.slice(1, s1End)) // C2
    if (this.#serverHelloBytes === SERVER_HELLO_BYTES) {
      this.#serverHello = undefined
      this.#phase = 'connect'
      this.#sendCommand(0, connectCommand(url, loginQuery))
    }
    return bytes.subarray(taken)
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
    this.#sendCommand(0, createStreamCommand())
  }

  #play(id: AmfValue): void {
    this.#messageStreamId = typeof id === 'number' && id >= 0 && id < 2 ** 32 ? Math.floor(id) : 1
    this.#phase = 'play'
    this.#sendCommand(this.#messageStreamId, playCommand(this.#options.url.stream))
    this.#sendControl(
      MessageType.userControl,
      encodeUserControl(UserControlEvent.setBufferLength, this.#messageStreamId, BUFFER_MS),
    )
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

  #userControl(message: RtmpMessage): void {
    const { event, values } = decodeUserControl(message)
    const value = values[0] ?? 0
    if (event === UserControlEvent.pingRequest) {
      this.#sendControl(MessageType.userControl, encodeUserControl(UserControlEvent.pingResponse, value))
    } else if (event === UserControlEvent.streamEof && value === this.#messageStreamId && value !== 0) {
      throw new PullSourceEndedError(this.#options.url.shown)
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

  #sendControl(typeId: number, body: Uint8Array): void {
    this.#send({ chunkStreamId: ChunkStreamId.control, typeId, messageStreamId: 0, body })
  }

  #sendCommand(messageStreamId: number, body: Uint8Array): void {
    this.#send({ chunkStreamId: ChunkStreamId.command, typeId: MessageType.command, messageStreamId, body })
  }

  #send(message: { chunkStreamId: number; typeId: number; messageStreamId: number; body: Uint8Array }): void {
    this.#transport?.write(this.#writer.write({ ...message, timestampMs: 0, body: [message.body] }))
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
    if (this.#messageStreamId > 0) this.#sendCommand(0, deleteStreamCommand(this.#messageStreamId))
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
    this.#reader.stop()
    if (end !== undefined) this.#publication?.end(end)
    this.#input?.[Symbol.dispose]()
    this.#transport?.destroy()
    this.#socket.destroy()
    this.#options.onOver(outcome)
  }
}

function text(value: AmfValue): string {
  return typeof value === 'string' ? value : ''
}
