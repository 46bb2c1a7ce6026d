import { randomBytes } from 'node:crypto'
import { ChunkReader, type ChunkReaderSink, type MessageHead, type Placement } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter } from '#protocols/rtmp/chunk-writer.ts'
import { clientHello, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import {
  decodeU32,
  decodeUserControl,
  encodeU32,
  encodeUserControl,
  MessageType,
  type RtmpMessage,
  splitAggregate,
  UserControlEvent,
} from '#protocols/rtmp/message.ts'
import type { ReadPacer } from '../tcp/read-pacer.ts'
import { openTransport, type ReadWish, type Transport, type TransportUser } from '../tcp/transport.ts'
import { connectSocket, endsOf, type SocketEnds } from './connect-socket.ts'
import { PullConnectionLostError, PullProtocolError } from './errors.ts'
import type { RtmpUrl } from './rtmp-url.ts'

/** A read of this size means a fast stream: reading on at once keeps its kernel buffer from filling. */
const LARGE_READ_BYTES = 64 * 1024
/** What we ask to have acknowledged, and acknowledge until the origin asks for another. */
const WINDOW_BYTES = 2_500_000
const MIN_WINDOW_BYTES = 64 * 1024
const SERVER_HELLO_BYTES = 1 + 2 * HANDSHAKE_BLOCK_BYTES

export interface OriginConnectionOptions {
  readonly url: RtmpUrl
  readonly verifyTls: boolean
  readonly maxMessageBytes: number
  readonly maxChunkStreams: number
  readonly pacer: ReadPacer
  /** Shared by all plain sockets. */
  readonly readBuffer: Uint8Array
  readonly user: OriginUser
}

/** What becomes of a connection to an origin. What these throw is told to `failed`. */
export interface OriginUser {
  connected(ends: SocketEnds): void
  /** The handshake is done: commands may be sent. */
  ready(): void
  /** See ChunkReaderSink. */
  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined
  /** Audio, video, data or a command; none of those about the connection itself. */
  message(message: RtmpMessage): void
  /** The origin has no more of a message stream. */
  streamEof(messageStreamId: number): void
  /** Bytes that come slowly may be read a little later, many at once. */
  mayGather(): boolean
  /** It can't be had, or can't go on: close it. */
  failed(error: unknown): void
}

/** A client's connection to an RTMP origin: socket, handshake, chunks, and what both ends tell each other of these. */
export class OriginConnection implements TransportUser, ChunkReaderSink {
  readonly #options: OriginConnectionOptions
  readonly #user: OriginUser
  readonly #reader: ChunkReader
  readonly #writer = new ChunkWriter()
  /** Aborted when it is closed. */
  readonly #ending = new AbortController()
  #transport: Transport | undefined
  #serverHello: Uint8Array | undefined = new Uint8Array(SERVER_HELLO_BYTES)
  #serverHelloBytes = 0
  #receivedBytes = 0
  #acknowledgedBytes = 0
  #windowBytes = WINDOW_BYTES
  #isClosed = false

  /** Connects. */
  constructor(options: OriginConnectionOptions) {
    const { maxMessageBytes, maxChunkStreams, user } = options
    this.#options = options
    this.#user = user
    this.#reader = new ChunkReader({ maxMessageBytes, maxChunkStreams, sink: this })
    this.#connect().catch((error: unknown) => {
      if (!this.#isClosed) user.failed(error)
    })
  }

  sendCommand(messageStreamId: number, body: Uint8Array): void {
    this.#send({ chunkStreamId: ChunkStreamId.command, typeId: MessageType.command, messageStreamId, body })
  }

  /** A user control message. Adobe RTMP 1.0 §7.1.7. */
  sendUserControl(event: number, ...values: readonly number[]): void {
    this.#sendControl(MessageType.userControl, encodeUserControl(event, ...values))
  }

  /** Closes at once; nothing is told any more. */
  close(): void {
    this.#isClosed = true
    this.#reader.stop()
    this.#ending.abort()
    this.#transport?.destroy()
  }

  received(bytes: Uint8Array): ReadWish {
    this.#attempt(() => this.#take(bytes))
    if (this.#isClosed) return 'stop'
    return bytes.length < LARGE_READ_BYTES && this.#user.mayGather() ? 'later' : 'now'
  }

  /** Little is ever sent. */
  drained(): void {}

  closed(error: Error | undefined): void {
    if (!this.#isClosed) this.#user.failed(new PullConnectionLostError(this.#options.url.shown, error))
  }

  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    return this.#user.place(head, firstBytes)
  }

  message(message: RtmpMessage): void {
    if (this.#isClosed) return
    switch (message.typeId) {
      case MessageType.aggregate:
        for (const part of splitAggregate(message)) if (part.typeId !== MessageType.aggregate) this.message(part)
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
      // Chunk size and abort were obeyed by the reader.
      default:
        this.#user.message(message)
    }
  }

  async #connect(): Promise<void> {
    const { url, verifyTls, pacer, readBuffer } = this.#options
    const isTls = url.scheme === 'rtmps'
    const socket = await connectSocket({ ...url, isTls }, { verifyTls, signal: this.#ending.signal })
    if (this.#isClosed) {
      socket.destroy()
      return
    }
    this.#user.connected(endsOf(socket))
    this.#transport = openTransport(socket, this, pacer, isTls ? undefined : readBuffer)
    this.#transport.write(clientHello(randomBytes(HANDSHAKE_BLOCK_BYTES)))
  }

  #take(input: Uint8Array): void {
    if (this.#isClosed) return
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
    if (hello[0] !== 3)
      throw new PullProtocolError(this.#options.url.shown, `answers with version ${hello[0]} instead of 3`)
    const s1End = 1 + HANDSHAKE_BLOCK_BYTES
    if (before < s1End && this.#serverHelloBytes >= s1End) this.#transport?.write(hello.slice(1, s1End)) // C2
    if (this.#serverHelloBytes === SERVER_HELLO_BYTES) {
      this.#serverHello = undefined
      this.#user.ready()
    }
    return bytes.subarray(taken)
  }

  #userControl(message: RtmpMessage): void {
    const { event, values } = decodeUserControl(message)
    const value = values[0] ?? 0
    if (event === UserControlEvent.pingRequest) this.sendUserControl(UserControlEvent.pingResponse, value)
    else if (event === UserControlEvent.streamEof) this.#user.streamEof(value)
  }

  #sendControl(typeId: number, body: Uint8Array): void {
    this.#send({ chunkStreamId: ChunkStreamId.control, typeId, messageStreamId: 0, body })
  }

  #send(message: { chunkStreamId: number; typeId: number; messageStreamId: number; body: Uint8Array }): void {
    this.#transport?.write(this.#writer.write({ ...message, timestampMs: 0, body: [message.body] }))
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#user.failed(error)
    }
  }
}
