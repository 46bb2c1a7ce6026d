import { Emitter } from './emitter.ts'
import { ConnectionError, ServerError, TapedeckError } from './errors.ts'
import { type Direction, type Exchange, endExchange, exchange } from './exchange.ts'
import { notThrough } from './not-through.ts'
import type { Server } from './server.ts'

/** ICE heals short breaks by itself; after this long it is tried anew. */
const PATIENCE_MS = 4_000
/** For the first packet to come through once the server has answered. */
const CONNECT_TIMEOUT_MS = 12_000
const RETRY_MS = 1_000

/** What a connection is made of. */
export interface ConnectionOptions {
  readonly server: Server
  readonly direction: Direction
  readonly name: string
  /** Puts tracks or transceivers into each peer connection, before its offer. */
  readonly prepare: (connection: RTCPeerConnection) => void
  /** What is to be in each answer besides. */
  readonly adapt?: (answer: string) => string
  readonly iceServers: readonly RTCIceServer[]
  /** How long a broken connection is tried anew; 0: not at all. */
  readonly reconnectSeconds: number
  /** For the first attempt. */
  readonly connectTimeoutMs?: number
  readonly RTCPeerConnection: typeof RTCPeerConnection
}

/** `reconnecting`: broken, and being made anew. */
export type ConnectionState = 'new' | 'connecting' | 'connected' | 'reconnecting' | 'closed' | 'failed'

/** One way of media to or from the server: made, watched, and made anew when the network takes it away. */
export class Connection extends Emitter<{ state: [state: ConnectionState, error?: TapedeckError] }> {
  readonly #options: ConnectionOptions
  #state: ConnectionState = 'new'
  #peer: RTCPeerConnection | undefined
  #exchange: Exchange | undefined
  #patience: ReturnType<typeof setTimeout> | undefined
  /** Ends what is waited for. */
  readonly #over = new AbortController()

  constructor(options: ConnectionOptions) {
    super()
    this.#options = options
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** For figures (getStats); another one after each reconnect. */
  get peer(): RTCPeerConnection | undefined {
    return this.#peer
  }

  /** Resolves when media may flow. @throws {TapedeckError} it could not be made; it is `failed` then */
  async open(): Promise<void> {
    this.#become('connecting')
    try {
      await this.#connect(this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS)
    } catch (error) {
      const typed = typedError(error)
      if (!this.#isOver) this.#fail(typed)
      throw typed
    }
  }

  /** Ends it here and on the server; idempotent. Never rejects: a server that is away learns it from the silence. */
  async close(): Promise<void> {
    const { server } = this.#options
    const ended = this.#exchange
    if (!this.#isOver) this.#become('closed')
    this.#over.abort()
    // First there: a peer that is closed before looks lost, and what is lost is waited for.
    if (ended !== undefined) await endExchange(server, ended)
    this.#drop()
  }

  get #isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'failed'
  }

  async #connect(timeoutMs: number): Promise<void> {
    const { server, direction, name, prepare, iceServers, RTCPeerConnection: Peer } = this.#options
    const peer = new Peer({ iceServers: [...iceServers], bundlePolicy: 'max-bundle' })
    this.#peer = peer
    try {
      prepare(peer)
      const made = await exchange(server, direction, name, peer, this.#options.adapt)
      if (this.#isOver) {
        await endExchange(server, made)
        throw closedMeanwhile()
      }
      this.#exchange = made
      await untilConnected(peer, made.answer, timeoutMs, this.#over.signal)
    } catch (error) {
      const made = this.#exchange
      // close() ends what it finds.
      if (made !== undefined && !this.#over.signal.aborted) await endExchange(server, made)
      this.#drop()
      throw this.#over.signal.aborted ? closedMeanwhile() : error
    }
    if (this.#isOver) throw closedMeanwhile()
    peer.addEventListener('connectionstatechange', () => this.#follow(peer))
    this.#become('connected')
  }

  /** A connection that broke is given a moment to heal, and is then made anew. */
  #follow(peer: RTCPeerConnection): void {
    if (peer !== this.#peer || this.#isOver) return
    clearTimeout(this.#patience)
    switch (peer.connectionState) {
      case 'connected':
        if (this.#state === 'reconnecting') this.#become('connected')
        break
      case 'disconnected':
        this.#patience = setTimeout(() => void this.#reconnect(), PATIENCE_MS)
        break
      case 'failed':
      case 'closed':
        void this.#reconnect()
        break
      default:
        break
    }
  }

  async #reconnect(): Promise<void> {
    const { server, reconnectSeconds } = this.#options
    const broken = this.#exchange
    this.#drop()
    if (reconnectSeconds === 0) return this.#fail(lost(0))
    this.#become('reconnecting')
    const deadlineMs = performance.now() + reconnectSeconds * 1000
    if (broken !== undefined) await endExchange(server, broken, { returns: true })
    let last: TapedeckError = lost(reconnectSeconds)
    while (!this.#isOver && performance.now() < deadlineMs) {
      try {
        return await this.#connect(Math.max(1, Math.min(CONNECT_TIMEOUT_MS, deadlineMs - performance.now())))
      } catch (error) {
        if (this.#isOver) return
        last = typedError(error)
        if (!mayPass(last)) break
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
    if (!this.#isOver) this.#fail(mayPass(last) ? lost(reconnectSeconds, last) : last)
  }

  #drop(): void {
    clearTimeout(this.#patience)
    this.#exchange = undefined
    this.#peer?.close()
    this.#peer = undefined
  }

  #fail(error: TapedeckError): void {
    this.#drop()
    this.#become('failed', error)
  }

  #become(state: ConnectionState, error?: TapedeckError): void {
    if (state === this.#state) return
    this.#state = state
    if (error === undefined) this.emit('state', state)
    else this.emit('state', state, error)
  }
}

/** Resolves when the peer connection is up. @throws {ConnectionError} it is not within the time given */
function untilConnected(peer: RTCPeerConnection, answer: string, timeoutMs: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abandon = () => done(() => reject(closedMeanwhile()))
    const settle = () => {
      const { connectionState } = peer
      if (connectionState === 'connected') done(resolve)
      else if (connectionState === 'failed' || connectionState === 'closed') fail()
    }
    const fail = () => done(() => reject(notThrough(answer, navigator.userAgent)))
    const timer = setTimeout(fail, timeoutMs)
    const done = (then: () => void) => {
      clearTimeout(timer)
      peer.removeEventListener('connectionstatechange', settle)
      over.removeEventListener('abort', abandon)
      then()
    }
    peer.addEventListener('connectionstatechange', settle)
    over.addEventListener('abort', abandon)
    if (over.aborted) abandon()
    else settle()
  })
}

/** The path is still held by the connection that broke, or the server is away or restarting: worth another try. */
function mayPass(error: TapedeckError): boolean {
  if (error instanceof ServerError) return error.status === 409 || error.status === 404 || error.status >= 500
  return error instanceof ConnectionError
}

function typedError(error: unknown): TapedeckError {
  if (error instanceof TapedeckError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new ConnectionError('client/connection-failed', `The browser could not connect: ${reason}`, error)
}

function lost(seconds: number, cause?: unknown): ConnectionError {
  const tried = seconds === 0 ? '' : ` and did not come back within ${seconds} s`
  return new ConnectionError('client/connection-lost', `The connection to the server broke${tried}.`, cause)
}

function closedMeanwhile(): TapedeckError {
  return new ConnectionError('client/connection-failed', 'Stopped before the connection was made.')
}
