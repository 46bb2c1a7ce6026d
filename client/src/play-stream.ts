import { Connection, type ConnectionOptions } from './connection.ts'
import { Emitter } from './emitter.ts'
import type { TapedeckError } from './errors.ts'

/** How a stream is played. */
export interface PlayOptions {
  /** Default true. */
  readonly video?: boolean
  /** Default true. */
  readonly audio?: boolean
  /** How long a broken connection, or a stream that went away, is tried anew. Default 30; 0: not at all. */
  readonly reconnectSeconds?: number
  /** For the connection to come about at first. */
  readonly connectTimeoutMs?: number
}

/** `reconnecting` goes back to `playing`. */
export type PlayState = 'pending' | 'playing' | 'reconnecting' | 'stopped' | 'failed'

const DEFAULT_RECONNECT_SECONDS = 30

/** A live stream in a media element, by WHEP. Made by `session.play()`. */
export class PlayStream extends Emitter<{ state: [state: PlayState, error?: TapedeckError] }> {
  readonly name: string
  readonly #connection: Connection
  readonly #element: HTMLMediaElement
  #state: PlayState = 'pending'

  constructor(
    context: Pick<ConnectionOptions, 'server' | 'iceServers' | 'RTCPeerConnection'>,
    name: string,
    element: HTMLMediaElement,
    options: PlayOptions,
  ) {
    super()
    this.name = name
    this.#element = element
    const { video = true, audio = true, connectTimeoutMs } = options
    this.#connection = new Connection({
      ...context,
      direction: 'whep',
      name,
      reconnectSeconds: options.reconnectSeconds ?? DEFAULT_RECONNECT_SECONDS,
      ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
      prepare: (connection) => {
        const shown = new MediaStream()
        connection.addEventListener('track', ({ track }) => {
          shown.addTrack(track)
          // Assigned again for each track: elements that show a picture already take up the sound too.
          this.#element.srcObject = shown
          // Rejects where the browser wants a click first; the element's own controls are there for it.
          this.#element.play().catch(() => {})
        })
        if (video) connection.addTransceiver('video', { direction: 'recvonly' })
        if (audio) connection.addTransceiver('audio', { direction: 'recvonly' })
      },
    })
    this.#connection.on('state', (state, error) => {
      if (state === 'connected') this.#become('playing')
      if (state === 'reconnecting') this.#become('reconnecting')
      if (state === 'failed') this.#become('failed', error)
    })
  }

  get state(): PlayState {
    return this.#state
  }

  /** For figures (getStats); another one after each reconnect. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#connection.peer
  }

  /** Resolves when media may flow. @throws {TapedeckError} the server refuses, or nothing comes through */
  async start(): Promise<this> {
    await this.#connection.open()
    return this
  }

  /** Ends it and empties the element. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state !== 'failed') this.#become('stopped')
    this.#element.srcObject = null
    await this.#connection.close()
  }

  #become(state: PlayState, error?: TapedeckError): void {
    if (state === this.#state || this.#state === 'stopped') return
    this.#state = state
    if (error === undefined) this.emit('state', state)
    else this.emit('state', state, error)
  }
}
