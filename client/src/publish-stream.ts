import type { RecordingDocument } from '../../src/storage/recording-document.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { Emitter } from './emitter.ts'
import { TapedeckError } from './errors.ts'
import { type CaptureOptions, openMedia } from './media.ts'
import type { Preparation, Recordings, RecordOptions } from './recordings.ts'
import { withStartBitrate } from './start-bitrate.ts'

/** How a stream is published. */
export interface StreamOptions extends CaptureOptions {
  /** The stream's path on the server, e.g. `live/me`. */
  readonly name: string
  /** True, or what the recording is to be like: the server records, and `stop()` resolves with the recording. */
  readonly record?: boolean | RecordOptions
  /** Published instead of what `video`, `audio` and `screen` would open. It stays open when publishing ends. */
  readonly mediaStream?: MediaStream
  /** Of the picture, in bits per second. The server has a limit of its own. */
  readonly maxBitrate?: number
  /** How long a broken connection is tried anew, into the same recording. Default 30; 0: not at all. */
  readonly reconnectSeconds?: number
}

/** What becomes of a published stream, in order; `failed` may follow any, and `reconnecting` goes back to `publishing`. */
export type StreamState = 'new' | 'pending' | 'publishing' | 'reconnecting' | 'unpublished' | 'failed'

const DEFAULT_RECONNECT_SECONDS = 30

/** What a stream needs of its session. */
export interface StreamContext extends Pick<ConnectionOptions, 'server' | 'iceServers' | 'RTCPeerConnection'> {
  readonly recordings: Recordings
}

/** Camera, microphone, screen or any MediaStream on its way to the server. Made by `session.createStream()`. */
export class PublishStream extends Emitter<{ state: [state: StreamState, error?: TapedeckError] }> {
  readonly name: string
  readonly #options: StreamOptions
  readonly #context: StreamContext
  readonly #connection: Connection
  readonly #muted = new Set<'audio' | 'video'>()
  #state: StreamState = 'new'
  #error: TapedeckError | undefined
  #media: MediaStream | undefined
  #recordingId: string | undefined
  /** We asked for it, so that we end it; a rule's ends with its stream. */
  #isRecordingOurs = false
  #isPaused = false
  #stopping: Promise<RecordingDocument | undefined> | undefined

  constructor(context: StreamContext, options: StreamOptions) {
    super()
    this.name = options.name
    this.#options = options
    this.#context = context
    this.#connection = new Connection({
      server: context.server,
      iceServers: context.iceServers,
      RTCPeerConnection: context.RTCPeerConnection,
      direction: 'whip',
      name: options.name,
      reconnectSeconds: options.reconnectSeconds ?? DEFAULT_RECONNECT_SECONDS,
      prepare: (connection) => this.#addTracks(connection),
      adapt: (answer) => withStartBitrate(answer, options.maxBitrate),
    })
    this.#connection.on('state', (state, error) => {
      if (state === 'reconnecting') this.#become('reconnecting')
      if (state === 'connected' && this.#state === 'reconnecting') this.#become('publishing')
      if (state === 'failed' && this.#state !== 'pending') {
        this.#fail(error)
        void this.#end()
      }
    })
  }

  get state(): StreamState {
    return this.#state
  }

  /** Why it is `failed`. */
  get error(): TapedeckError | undefined {
    return this.#error
  }

  /** What is published, for a preview; from `pending` on, once the person has allowed it. */
  get mediaStream(): MediaStream | undefined {
    return this.#media
  }

  /** Of the recording, as soon as it is known. */
  get recordingId(): string | undefined {
    return this.#recordingId
  }

  /** For figures (getStats); another one after each reconnect. */
  get peerConnection(): RTCPeerConnection | undefined {
    return this.#connection.peer
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /**
   * Opens the media, has the recording begin, and publishes. Resolves, with the stream itself, when media flows.
   * @throws {TapedeckError} what went wrong; the stream is `failed` then
   */
  async publish(): Promise<this> {
    if (this.#state !== 'new') {
      throw new TapedeckError(
        'client/wrong-state',
        `This stream is ${this.#state}. Create another one to publish again.`,
      )
    }
    this.#become('pending')
    try {
      this.#media = this.#options.mediaStream ?? (await openMedia(this.#options))
      this.#applyMute()
      const preparation = await this.#prepareRecording()
      this.#assertNotStopped()
      await this.#connection.open()
      if (preparation?.isOurs === false) {
        this.#recordingId = await this.#context.recordings.begun(this.name, preparation.before)
      }
      this.#assertNotStopped()
    } catch (error) {
      await this.#giveUp(asTapedeckError(error))
      throw error
    }
    addEventListener('pagehide', this.#leave)
    this.#become('publishing')
    return this
  }

  /**
   * Ends publishing, and resolves with the recording once its file is final: undefined when none was asked for.
   * A stream that failed still has what was recorded until then.
   */
  stop(): Promise<RecordingDocument | undefined> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Sends silence, or a black picture, instead; the recording goes on. */
  mute(kind: 'audio' | 'video', isMuted = true): void {
    if (isMuted) this.#muted.add(kind)
    else this.#muted.delete(kind)
    this.#applyMute()
  }

  isMuted(kind: 'audio' | 'video'): boolean {
    return this.#muted.has(kind)
  }

  /** Mutes everything until resume(): nobody sees or hears anything, and the recording's time goes on. */
  pause(): void {
    this.#isPaused = true
    this.#applyMute()
  }

  resume(): void {
    this.#isPaused = false
    this.#applyMute()
  }

  #addTracks(connection: RTCPeerConnection): void {
    const media = this.#media
    for (const track of media?.getTracks() ?? []) {
      const { maxBitrate } = this.#options
      const isLimited = track.kind === 'video' && maxBitrate !== undefined
      connection.addTransceiver(track, {
        direction: 'sendonly',
        ...(media === undefined ? {} : { streams: [media] }),
        ...(isLimited ? { sendEncodings: [{ maxBitrate }] } : {}),
      })
    }
  }

  async #prepareRecording(): Promise<Preparation | undefined> {
    const { record = false, reconnectSeconds = DEFAULT_RECONNECT_SECONDS } = this.#options
    if (record === false) return undefined
    const request = { reconnectSeconds, ...(record === true ? {} : record) }
    const preparation = await this.#context.recordings.prepare(this.name, request)
    this.#isRecordingOurs = preparation.isOurs
    if (preparation.isOurs) this.#recordingId = preparation.id
    return preparation
  }

  async #stop(): Promise<RecordingDocument | undefined> {
    await this.#end()
    if (this.#state !== 'failed') this.#become('unpublished')
    const id = this.#recordingId
    if (id === undefined) return undefined
    const { recordings } = this.#context
    return this.#isRecordingOurs ? recordings.stop(id) : recordings.final(id)
  }

  async #giveUp(error: TapedeckError): Promise<void> {
    await this.#end()
    // What waits for a stream that never comes would wait for ever.
    if (this.#isRecordingOurs && this.#recordingId !== undefined) {
      await this.#context.recordings.stop(this.#recordingId).catch(() => {})
    }
    if (this.#stopping === undefined) this.#fail(error)
  }

  async #end(): Promise<void> {
    removeEventListener('pagehide', this.#leave)
    await this.#connection.close()
    if (this.#options.mediaStream === undefined) for (const track of this.#media?.getTracks() ?? []) track.stop()
  }

  /** Who leaves the page has ended, and is not lost: its recording need not wait for it. */
  readonly #leave = (): void => {
    void this.#connection.close()
  }

  #assertNotStopped(): void {
    if (this.#stopping !== undefined) throw new TapedeckError('client/wrong-state', 'Stopped before it was published.')
  }

  #applyMute(): void {
    for (const track of this.#media?.getTracks() ?? []) {
      track.enabled = !this.#isPaused && !this.#muted.has(track.kind === 'audio' ? 'audio' : 'video')
    }
  }

  #fail(error: TapedeckError | undefined): void {
    this.#error = error
    this.#become('failed')
  }

  #become(state: StreamState): void {
    if (state === this.#state) return
    // Who asked to stop hears of that, not of how it looked from below.
    if (this.#state === 'failed' || this.#state === 'unpublished') return
    this.#state = state
    if (state === 'failed' && this.#error !== undefined) this.emit('state', state, this.#error)
    else this.emit('state', state)
  }
}

function asTapedeckError(error: unknown): TapedeckError {
  return error instanceof TapedeckError ? error : new TapedeckError('client/connection-failed', String(error), error)
}
