import type { Socket } from 'node:net'
import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import { LogLimit } from '#base/log-limit.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { ReadPacer } from '#ingest/tcp/read-pacer.ts'
import { openTransport, type ReadWish, type Transport, type TransportUser } from '#ingest/tcp/transport.ts'
import type { RtspMessage, RtspRequest } from '#protocols/rtsp/message.ts'
import { RtspReader, type RtspReaderSink } from '#protocols/rtsp/reader.ts'
import { RtspDialog } from './dialog.ts'
import { RtspPeerNotReadingError, RtspUselessConnectionError } from './errors.ts'
import type { Peer, RtspSession, Surroundings } from './peer.ts'

/** A read of this size means a fast stream: reading on at once keeps its kernel buffer from filling. */
const LARGE_READ_BYTES = 64 * 1024

/** Several times what a play session hands over: beyond it the peer asks and never listens. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024

export interface ConnectionOptions {
  readonly surroundings: Surroundings
  readonly protocol: 'rtsp' | 'rtsps'
  readonly socket: Socket
  readonly pacer: ReadPacer
  /** Shared by all plain sockets; undefined for TLS. */
  readonly readBuffer: Uint8Array | undefined
  /** It ends with an error; once. */
  readonly onFailed: (error: unknown) => void
  readonly onClosed: (connection: RtspConnection) => void
}

/** One RTSP connection: bytes to messages and back, one request after the other, and timeouts. */
export class RtspConnection implements TransportUser, RtspReaderSink, Peer {
  readonly id: string
  readonly protocol: 'rtsp' | 'rtsps'
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly #runtime: Runtime
  readonly #idleTimeoutMs: number
  readonly #log: Logger
  readonly #transport: Transport
  readonly #reader = new RtspReader(this)
  readonly #dialog: RtspDialog
  readonly #strayFrames: LogLimit<number>
  readonly #onFailed: (error: unknown) => void
  readonly #onClosed: (connection: RtspConnection) => void
  /** Requests that wait for the one before them to be answered; at most what one read brings. */
  readonly #requests: RtspRequest[] = []
  #isAnswering = false
  #phase: 'open' | 'closing' | 'closed' = 'open'
  #readMs: number
  #uselessSinceMs: number
  /** When all that was sent had last been taken. */
  #allSentMs: number
  #end: StreamEnd = { cause: 'lost', message: 'the connection broke without a goodbye' }

  constructor(options: ConnectionOptions) {
    const { surroundings, socket, pacer, readBuffer } = options
    const { runtime, limits } = surroundings
    this.id = runtime.newId()
    this.protocol = options.protocol
    this.#runtime = runtime
    this.#idleTimeoutMs = limits.idleTimeoutMs
    this.#onFailed = options.onFailed
    this.#onClosed = options.onClosed
    this.#readMs = runtime.monotonicMs()
    this.#uselessSinceMs = this.#readMs
    this.#allSentMs = this.#readMs
    this.remoteAddress = plainAddress(socket.remoteAddress)
    this.remotePort = socket.remotePort ?? 0
    this.localAddress = plainAddress(socket.localAddress)
    this.localPort = socket.localPort ?? 0
    const { id, protocol, remoteAddress, remotePort } = this
    this.#log = runtime.log.child({ protocol, connectionId: id, remoteAddress, remotePort })
    this.#strayFrames = new LogLimit(runtime.monotonicMs, (channel, frames) =>
      this.#log.warn({ event: 'rtsp.frame-ignored', channel, frames }, 'a frame of a channel that was never set up'),
    )
    this.#dialog = new RtspDialog(this, { ...surroundings, runtime: { ...runtime, log: this.#log } })
    this.#transport = openTransport(socket, this, pacer, readBuffer)
  }

  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  received(bytes: Uint8Array): ReadWish {
    this.#readMs = this.#runtime.monotonicMs()
    try {
      this.#reader.push(bytes)
    } catch (error) {
      this.fail(error)
    }
    // Nothing more is read before what was asked is answered.
    if (this.#phase !== 'open' || this.#isAnswering) return 'stop'
    return this.#dialog.mayGather && bytes.length < LARGE_READ_BYTES ? 'later' : 'now'
  }

  message(message: RtspMessage): void {
    if (message.kind !== 'request') return // of what was never asked
    this.#requests.push(message)
    if (!this.#isAnswering) void this.#answerAll()
  }

  frame(channel: number, bytes: Uint8Array, start: number, end: number): void {
    const isKnown = this.#dialog.session?.frame(channel, bytes, start, end, this.#readMs) ?? false
    if (!isKnown) this.#strayFrames.occurred(channel)
  }

  async #answerAll(): Promise<void> {
    this.#isAnswering = true
    try {
      for (let next = this.#requests.shift(); next !== undefined; next = this.#requests.shift()) {
        if (this.#phase === 'open') await this.#dialog.answer(next)
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.#isAnswering = false
      if (this.#phase === 'open') this.#transport.resume()
    }
  }

  write(bytes: Uint8Array): void {
    if (this.#phase !== 'open') return
    this.#transport.write(bytes)
    const { unsentBytes } = this.#transport
    if (unsentBytes > MAX_UNSENT_BYTES) this.fail(new RtspPeerNotReadingError(unsentBytes))
  }

  /** Called by the server about once a second. */
  checkTimeouts(): void {
    if (this.#phase !== 'open') return
    const nowMs = this.#runtime.monotonicMs()
    try {
      const session: RtspSession | undefined = this.#dialog.session
      if (session?.isActive === true) this.#uselessSinceMs = nowMs
      const uselessMs = nowMs - this.#uselessSinceMs
      if (session === undefined && uselessMs > this.#idleTimeoutMs) throw new RtspUselessConnectionError(uselessMs)
      const { unsentBytes } = this.#transport
      if (unsentBytes === 0) this.#allSentMs = nowMs
      if (nowMs - this.#allSentMs > this.#idleTimeoutMs) throw new RtspPeerNotReadingError(unsentBytes)
      session?.check(nowMs)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Ends the connection because of what the peer did (or did not). */
  fail(error: unknown): void {
    if (this.#phase !== 'open') return
    this.#onFailed(error)
    const fields = { event: 'rtsp.connection-failed', code: errorCode(error), err: error }
    if (error instanceof TapedeckError) this.#log.warn(fields, errorMessage(error))
    else this.#log.error(fields, 'unexpected error in an RTSP connection')
    this.#shut({ cause: 'lost', message: errorMessage(error) })
    this.#transport.destroy()
  }

  /** Ends the connection because we want it: an operator's disconnect, a stream's end, or the server's. */
  disconnect(end: StreamEnd): void {
    if (this.#phase !== 'open') return
    this.#log.info({ event: 'rtsp.disconnected', cause: end.cause }, end.message)
    this.#shut(end)
    this.#transport.destroy()
  }

  drained(): void {
    this.#allSentMs = this.#runtime.monotonicMs()
    this.#dialog.session?.drained()
  }

  closed(error: Error | undefined): void {
    if (this.#phase === 'open') {
      this.#log.debug({ event: 'rtsp.closed', err: error })
      this.#shut(this.#end)
    }
    this.#phase = 'closed'
    this.#onClosed(this)
  }

  #shut(end: StreamEnd): void {
    this.#phase = 'closing'
    this.#end = end
    this.#requests.length = 0
    this.#reader.stop()
    this.#dialog.close(end)
  }
}

/** A listener on all addresses calls those of IPv4 `::ffff:192.0.2.1`. */
function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '')
}
