import { errorMessage, TapedeckError } from '#base/error.ts'
import { Signal } from '#base/events.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import { StreamPathInUseError } from '#hub/hub.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import type { WebRtcEndReason, WebRtcSession } from '#hub/webrtc.ts'
import { parseTrickleFragment } from '#protocols/webrtc/trickle.ts'
import { WebRtcIdleError, WebRtcRestartUnsupportedError } from './errors.ts'
import type { SessionContent } from './session-content.ts'
import type { Transport, TransportState } from './transport.ts'

/** What a session stands on. */
export interface SessionOptions {
  readonly id: string
  readonly connectionId: string
  readonly path: string
  /** IP address of whoever brought the offer. */
  readonly remoteAddress: string
  readonly answer: string
  /** Of the offer. */
  readonly remoteUfrag: string
  readonly transport: Transport
  readonly content: SessionContent
  readonly runtime: Runtime
  readonly log: Logger
  readonly iceTimeoutMs: number
  readonly onEnded: (session: Session) => void
}

/** A browser's session: its transport, what goes over it, and how both end. */
export class Session implements WebRtcSession {
  readonly id: string
  readonly connectionId: string
  readonly path: string
  readonly remoteAddress: string
  readonly answer: string
  readonly etag: string
  readonly stateChanged: Signal<WebRtcSession>
  readonly #options: SessionOptions
  readonly #transport: Transport
  readonly #content: SessionContent
  readonly #startedMs: number
  #state: WebRtcSession['state'] = 'connecting'
  #ended: WebRtcSession['ended']

  constructor(options: SessionOptions) {
    const { id, connectionId, path, remoteAddress, answer, transport, content, runtime, log } = options
    this.id = id
    this.connectionId = connectionId
    this.path = path
    this.remoteAddress = remoteAddress
    this.answer = answer
    this.etag = `"${transport.local.ufrag}"`
    this.stateChanged = new Signal((err) => log.error({ event: 'webrtc.listener-failed', err }))
    this.#options = options
    this.#transport = transport
    this.#content = content
    this.#startedMs = runtime.monotonicMs()
    transport.onStateChange = (state) => this.#transportChanged(state)
    transport.onPacket = (bytes) => this.#packet(bytes)
  }

  get kind(): 'publish' | 'play' {
    return this.#content.kind
  }

  get state(): WebRtcSession['state'] {
    return this.#state
  }

  get stream(): Stream | undefined {
    return this.#content.stream
  }

  get ended(): WebRtcSession['ended'] {
    return this.#ended
  }

  #transportChanged(state: TransportState): void {
    switch (state) {
      case 'connected':
        this.#connect()
        return
      case 'failed':
        this.#end('dtls-failed', { cause: 'lost', message: 'the connection to the browser could not be made' })
        return
      case 'lost':
        this.#end('ice-lost', { cause: 'lost', message: 'the browser can no longer be reached' })
        return
      case 'closed':
        this.#end('peer-closed', {
          cause: this.#content.goodbyeIsLoss === true ? 'lost' : 'unpublished',
          message: 'the browser closed its connection',
        })
    }
  }

  #connect(): void {
    if (this.#state !== 'connecting') return
    const { remoteAddress = this.#options.remoteAddress, remotePort = 0 } = this.#transport
    try {
      this.#content.connected({ remoteAddress, remotePort })
      this.#changeTo('connected')
    } catch (error) {
      this.fail(error)
    }
  }

  #packet(bytes: Uint8Array): void {
    if (this.#ended !== undefined) return
    // Packets may overtake the news that there is a connection.
    if (this.#state === 'connecting') this.#connect()
    try {
      this.#content.packet(bytes, this.#options.runtime.monotonicMs())
    } catch (error) {
      this.fail(error)
    }
  }

  /** Called every few tens of milliseconds. */
  tick(nowMs: number): void {
    if (this.#ended !== undefined) return
    const { iceTimeoutMs } = this.#options
    if (this.#state === 'connecting') {
      if (nowMs - this.#startedMs < iceTimeoutMs) return
      const message = `the browser did not connect within ${iceTimeoutMs} ms: see webrtc.udp and webrtc.advertise`
      this.#end('ice-timeout', { cause: 'lost', message })
      return
    }
    try {
      this.#content.tick(nowMs)
      if (this.#state === 'connected' && this.#content.isFlowing) this.#changeTo('flowing')
    } catch (error) {
      this.fail(error)
    }
  }

  async trickle(fragment: string): Promise<string | undefined> {
    const { ufrag } = parseTrickleFragment(fragment)
    if (ufrag !== undefined && ufrag !== this.#options.remoteUfrag) throw new WebRtcRestartUnsupportedError()
    // The browser comes to us, from wherever it is: where it may be is nothing we need to know.
    return undefined
  }

  close(end: StreamEnd): void {
    this.#end(end.cause === 'shutdown' ? 'shutdown' : 'closed', end)
  }

  /** Ends because of an error. */
  fail(error: unknown): void {
    const { log } = this.#options
    if (error instanceof TapedeckError) log.warn({ event: 'webrtc.session-failed', err: error })
    else log.error({ event: 'webrtc.session-failed', err: error })
    const message = error instanceof TapedeckError ? errorMessage(error) : 'something went wrong here; see the log'
    this.#end(reasonOf(error), { cause: 'lost', message })
  }

  /** Ends because there is nothing left to do. */
  finish(reason: WebRtcEndReason, end: StreamEnd): void {
    this.#end(reason, end)
  }

  #end(reason: WebRtcEndReason, end: StreamEnd): void {
    if (this.#ended !== undefined) return
    this.#ended = { reason, end }
    const { log, onEnded } = this.#options
    log.debug({ event: 'webrtc.session-ended', reason, state: this.#state }, end.message)
    this.#content.end(end)
    this.#transport[Symbol.dispose]()
    onEnded(this)
    this.#changeTo('ended')
  }

  #changeTo(state: WebRtcSession['state']): void {
    this.#state = state
    this.stateChanged.emit(this)
  }
}

function reasonOf(error: unknown): WebRtcEndReason {
  if (error instanceof WebRtcIdleError) return 'idle'
  if (error instanceof StreamPathInUseError) return 'path-taken'
  return 'error'
}
