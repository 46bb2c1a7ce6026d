import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { ChunkReader, type ChunkReaderSink, type MessageHead, type Placement } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, ChunkWriter, type OutgoingMessage } from '#protocols/rtmp/chunk-writer.ts'
import { answerHandshake, CLIENT_HELLO_BYTES, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import { encodeU32, MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'
import type { ReadPacer } from '../tcp/read-pacer.ts'
import { openTransport, type ReadWish, type Transport, type TransportUser } from '../tcp/transport.ts'
import { RtmpIdleError, RtmpPeerNotReadingError, RtmpSetupError, RtmpUselessConnectionError } from './errors.ts'
import type { RtmpExtension } from './extension.ts'
import { NetConnection } from './net-connection.ts'
import type { Peer } from './peer.ts'

/** From accepting to `connect`; slow mobile networks take a second or two. */
const SETUP_TIMEOUT_MS = 10_000
/** Handshake, chunk size and `connect` take some 4 KiB; a JWT in the URL makes it more. */
const MAX_SETUP_BYTES = 64 * 1024
/** A read of this size means a fast stream: reading on at once keeps its kernel buffer from filling. */
const LARGE_READ_BYTES = 64 * 1024
/** What we ask the peer to acknowledge at, and acknowledge at ourselves until it asks for another. */
export const ACKNOWLEDGEMENT_WINDOW_BYTES = 2_500_000

/** Three times what a play session may have queued: beyond it the peer asks and never listens. */
const MAX_UNSENT_BYTES = 18 * 1024 * 1024

/** Limits of one connection; see Config['rtmp']. */
export interface ConnectionLimits {
  readonly idleTimeoutMs: number
  readonly maxMessageBytes: number
  readonly maxChunkStreams: number
}

export interface ConnectionOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly access: StreamAccess
  readonly extension: RtmpExtension | undefined
  readonly limits: ConnectionLimits
  readonly protocol: 'rtmp' | 'rtmps'
  readonly socket: Socket
  readonly pacer: ReadPacer
  /** Shared by all plain sockets; undefined for TLS. */
  readonly readBuffer: Uint8Array | undefined
  readonly onBytes: (bytes: number) => void
  /** It ends with an error; once. */
  readonly onFailed: (error: unknown) => void
  readonly onClosed: (connection: RtmpConnection) => void
}

type Phase = 'hello' | 'echo' | 'chunks' | 'closing' | 'closed'

/** One RTMP connection: bytes to messages and back, limits and timeouts. What messages mean is net-connection's. */
export class RtmpConnection implements TransportUser, ChunkReaderSink, Peer {
  readonly id: string
  readonly protocol: 'rtmp' | 'rtmps'
  /** IP address, as access rules want it. */
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #runtime: Runtime
  readonly #limits: ConnectionLimits
  readonly #callerPatienceMs: number
  readonly #log: Logger
  readonly #transport: Transport
  readonly #reader: ChunkReader
  readonly #writer = new ChunkWriter()
  readonly #net: NetConnection
  readonly #onBytes: (bytes: number) => void
  readonly #onFailed: (error: unknown) => void
  readonly #onClosed: (connection: RtmpConnection) => void
  readonly #openedMs: number
  #phase: Phase = 'hello'
  /** Collects C0 and C1. */
  #hello: Uint8Array | undefined = new Uint8Array(CLIENT_HELLO_BYTES)
  #helloBytes = 0
  /** Bytes of C2 still to come; nobody checks what it echoes. */
  #echoBytes = HANDSHAKE_BLOCK_BYTES
  #receivedBytes = 0
  #acknowledgedBytes = 0
  #windowBytes = ACKNOWLEDGEMENT_WINDOW_BYTES
  #lastReceivedMs: number
  #uselessSinceMs: number
  /** When all that was sent had last been taken. */
  #allSentMs: number
  #isStopped = false
  #end: StreamEnd = { cause: 'lost', message: 'the connection broke without a goodbye' }

  constructor(options: ConnectionOptions) {
    const { runtime, limits } = options
    this.id = runtime.newId()
    this.protocol = options.protocol
    this.#runtime = runtime
    this.#limits = limits
    this.#callerPatienceMs = options.extension?.callerPatienceMs ?? 0
    this.#onBytes = options.onBytes
    this.#onFailed = options.onFailed
    this.#onClosed = options.onClosed
    this.#openedMs = runtime.monotonicMs()
    this.#lastReceivedMs = this.#openedMs
    this.#uselessSinceMs = this.#openedMs
    this.#allSentMs = this.#openedMs
    const { maxChunkStreams } = limits
    this.#reader = new ChunkReader({
      maxMessageBytes: Math.min(MAX_SETUP_BYTES, limits.maxMessageBytes),
      maxChunkStreams,
      sink: this,
    })
    const { socket, pacer, readBuffer } = options
    this.remoteAddress = socket.remoteAddress ?? ''
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = socket.localAddress ?? ''
    this.localPort = socket.localPort ?? 0
    this.#log = runtime.log.child({
      protocol: this.protocol,
      connectionId: this.id,
      remoteAddress: this.remoteAddress,
      remotePort: this.remotePort,
    })
    const { hub, access, extension } = options
    this.#net = new NetConnection(this, { runtime: { ...runtime, log: this.#log }, hub, access, extension })
    this.#transport = openTransport(socket, this, pacer, readBuffer)
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  received(bytes: Uint8Array): ReadWish {
    this.#onBytes(bytes.length)
    this.#lastReceivedMs = this.#runtime.monotonicMs()
    try {
      this.#take(bytes)
    } catch (error) {
      this.fail(error)
    }
    if (this.#isStopped) return 'stop'
    return this.#net.mayGather && bytes.length < LARGE_READ_BYTES ? 'later' : 'now'
  }

  #take(input: Uint8Array): void {
    let bytes = input
    if (this.#phase === 'hello') bytes = this.#takeHello(bytes)
    if (this.#phase === 'echo') {
      const skipped = Math.min(this.#echoBytes, bytes.length)
      this.#echoBytes -= skipped
      bytes = bytes.subarray(skipped)
      if (this.#echoBytes === 0) this.#phase = 'chunks'
    }
    this.#receivedBytes += input.length
    if (this.#phase !== 'chunks') return
    if (!this.#net.isConnected && this.#receivedBytes > MAX_SETUP_BYTES + 2 * HANDSHAKE_BLOCK_BYTES) {
      throw new RtmpSetupError(`${this.#receivedBytes} bytes came before it`)
    }
    if (bytes.length > 0) this.#reader.push(bytes)
    this.#acknowledge()
  }

  #takeHello(bytes: Uint8Array): Uint8Array {
    const hello = this.#hello
    if (hello === undefined) return bytes
    const taken = Math.min(CLIENT_HELLO_BYTES - this.#helloBytes, bytes.length)
    hello.set(bytes.subarray(0, taken), this.#helloBytes)
    this.#helloBytes += taken
    // A wrong version is known from the first byte on: no need to let a stranger send the rest.
    if (hello[0] !== 3 || this.#helloBytes === CLIENT_HELLO_BYTES) {
      const { reply, kind } = answerHandshake(hello, randomBytes(2 * HANDSHAKE_BLOCK_BYTES))
      this.#log.debug({ event: 'rtmp.handshake', kind })
      this.#transport.write(reply)
      this.#hello = undefined
      this.#phase = 'echo'
    }
    return bytes.subarray(taken)
  }

  #acknowledge(): void {
    if (this.#receivedBytes - this.#acknowledgedBytes < this.#windowBytes) return
    this.#acknowledgedBytes = this.#receivedBytes
    this.sendControl(MessageType.acknowledgement, encodeU32(this.#receivedBytes % 2 ** 32))
  }

  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    return this.#net.place(head, firstBytes)
  }

  message(message: RtmpMessage): void {
    this.#net.message(message)
  }

  /** The peer wants an acknowledgement this often. Adobe RTMP 1.0 §5.4.4. */
  setAcknowledgementWindow(bytes: number): void {
    this.#windowBytes = Math.max(bytes, 64 * 1024)
  }

  /** `connect` was accepted: large messages may come. */
  setupComplete(): void {
    this.#reader.maxMessageBytes = this.#limits.maxMessageBytes
    this.#uselessSinceMs = this.#runtime.monotonicMs()
  }

  send(message: OutgoingMessage): void {
    if (this.#phase === 'closed' || this.#phase === 'closing') return
    this.#transport.write(this.#writer.write(message))
    const { unsentBytes } = this.#transport
    if (unsentBytes > MAX_UNSENT_BYTES) this.fail(new RtmpPeerNotReadingError(unsentBytes))
  }

  sendControl(typeId: number, body: Uint8Array): void {
    this.send({ chunkStreamId: ChunkStreamId.control, typeId, timestampMs: 0, messageStreamId: 0, body: [body] })
  }

  sendChunkSize(bytes: number): void {
    if (this.#phase !== 'closed') this.#transport.write(this.#writer.setChunkSize(bytes))
  }

  /** While a decision is pending nothing more is read. */
  stopReading(): void {
    this.#isStopped = true
  }

  resumeReading(): void {
    this.#isStopped = false
    this.#transport.resume()
  }

  /** Called by the server about once a second. */
  checkTimeouts(): void {
    if (this.#phase === 'closed' || this.#phase === 'closing') return
    const nowMs = this.#runtime.monotonicMs()
    const { idleTimeoutMs } = this.#limits
    try {
      if (!this.#net.isConnected && nowMs - this.#openedMs > SETUP_TIMEOUT_MS) {
        throw new RtmpSetupError(`nothing came of it for ${SETUP_TIMEOUT_MS} ms`)
      }
      if (this.#net.isUseful) this.#uselessSinceMs = nowMs
      const uselessMs = nowMs - this.#uselessSinceMs
      const patienceMs = Math.max(idleTimeoutMs, this.#callerPatienceMs)
      if (this.#net.isConnected && uselessMs > patienceMs) throw new RtmpUselessConnectionError(uselessMs)
      const idleMs = nowMs - this.#lastReceivedMs
      if (this.#net.isPublishing && idleMs > idleTimeoutMs) throw new RtmpIdleError(idleMs)
      const { unsentBytes } = this.#transport
      if (unsentBytes === 0) this.#allSentMs = nowMs
      if (nowMs - this.#allSentMs > idleTimeoutMs) throw new RtmpPeerNotReadingError(unsentBytes)
      this.#net.checkTracks()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Ends the connection because of what the peer did (or did not). */
  fail(error: unknown): void {
    if (this.#phase === 'closed' || this.#phase === 'closing') return
    this.#onFailed(error)
    const fields = { event: 'rtmp.connection-failed', code: errorCode(error), err: error }
    if (error instanceof TapedeckError) this.#log.warn(fields, errorMessage(error))
    else this.#log.error(fields, 'unexpected error in an RTMP connection')
    this.#shut({ cause: 'lost', message: errorMessage(error) })
    this.#transport.destroy()
  }

  /** Ends the connection because we want it: an operator's disconnect, or the server's end. */
  disconnect(end: StreamEnd): void {
    if (this.#phase === 'closed' || this.#phase === 'closing') return
    this.#log.info({ event: 'rtmp.disconnected', cause: end.cause }, end.message)
    this.#shut(end)
    this.#transport.destroy()
  }

  drained(): void {
    this.#allSentMs = this.#runtime.monotonicMs()
    this.#net.drained()
  }

  closed(error: Error | undefined): void {
    if (this.#phase !== 'closing') {
      this.#log.debug({ event: 'rtmp.closed', err: error })
      this.#shut(this.#end)
    }
    this.#phase = 'closed'
    this.#onClosed(this)
  }

  #shut(end: StreamEnd): void {
    this.#phase = 'closing'
    this.#end = end
    this.#reader.stop()
    this.#net.close(end)
  }
}
