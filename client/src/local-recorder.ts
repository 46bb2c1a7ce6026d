import { Emitter } from './emitter.ts'
import { TapedeckError } from './errors.ts'

/** How often the browser hands over what it has recorded; a crash of the page costs at most this, and memory little. */
const TIMESLICE_MS = 1_000
/** So many pieces become one: a day has 86,400 of them. */
const MAX_PIECES = 60
/** Browsers keep this on the disk, and how much they allow differs. */
const DEFAULT_MAX_BYTES = 4 * 2 ** 30

/** MP4 where the browser has AAC for it, which plays everywhere; with Opus in it, WebM plays in more places. */
const VIDEO_TYPES = ['video/mp4;codecs=avc1.42E01F,mp4a.40.2', 'video/webm;codecs=vp8,opus', 'video/webm', 'video/mp4']
const AUDIO_TYPES = ['audio/mp4;codecs=mp4a.40.2', 'audio/webm;codecs=opus', 'audio/webm', 'audio/mp4']

/** How a copy is kept in the browser. */
export interface LocalRecorderOptions {
  /** Container and codecs; the first the browser has of a sensible list where left out. */
  readonly mimeType?: string
  /** It ends by itself when it has grown so large. Default 4 GiB. */
  readonly maxBytes?: number
}

/** `inactive` again when it has ended, by stop(), with its tracks, or at its limit. */
export type LocalRecorderState = 'inactive' | 'recording' | 'paused'

/** What was recorded in the browser. */
export interface LocalCopy {
  readonly file: Blob
  readonly mimeType: string
  /** `.mp4` or `.webm`. */
  readonly extension: string
  readonly startedAt: Date
  /** Without pauses. */
  readonly durationMs: number
  /** It became as large as it may and was ended. */
  readonly isFull: boolean
}

/** Keeps a copy of a MediaStream in the browser, by its MediaRecorder: no server takes part. */
export class LocalRecorder extends Emitter<{ state: [state: LocalRecorderState]; bytes: [bytes: number] }> {
  readonly #recorder: MediaRecorder
  readonly #maxBytes: number
  readonly #ended = Promise.withResolvers<LocalCopy>()
  #pieces: Blob[] = []
  #bytes = 0
  #startedAt = new Date()
  #recordedMs = 0
  #runningSinceMs: number | undefined
  #isFull = false

  constructor(stream: MediaStream, options: LocalRecorderOptions = {}) {
    super()
    const mimeType = options.mimeType ?? bestType(stream)
    this.#recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType })
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    this.#recorder.ondataavailable = ({ data }) => this.#take(data)
    this.#recorder.onstop = () => this.#finish()
    this.#recorder.onerror = () => {
      if (this.#recorder.state !== 'inactive') this.#recorder.stop()
    }
    // Whoever never asks for the copy need not hear that there is none.
    this.#ended.promise.catch(() => {})
  }

  get state(): LocalRecorderState {
    return this.#recorder.state
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Recorded so far, without pauses. */
  get durationMs(): number {
    return this.#recordedMs + (this.#runningSinceMs === undefined ? 0 : performance.now() - this.#runningSinceMs)
  }

  /** Settles when it has ended, whyever. @throws {TapedeckError} nothing was recorded */
  get ended(): Promise<LocalCopy> {
    return this.#ended.promise
  }

  start(): void {
    this.#recorder.start(TIMESLICE_MS)
    this.#startedAt = new Date()
    this.#runningSinceMs = performance.now()
    this.emit('state', 'recording')
  }

  /** What happens until resume() is not in the file. */
  pause(): void {
    if (this.state !== 'recording') return
    this.#recordedMs = this.durationMs
    this.#runningSinceMs = undefined
    this.#recorder.pause()
    this.emit('state', 'paused')
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.#runningSinceMs = performance.now()
    this.#recorder.resume()
    this.emit('state', 'recording')
  }

  /** Resolves with the file. @throws {TapedeckError} nothing was recorded */
  async stop(): Promise<LocalCopy> {
    if (this.#recorder.state !== 'inactive') this.#recorder.stop()
    return this.ended
  }

  #take(piece: Blob): void {
    if (piece.size === 0) return
    this.#pieces.push(piece)
    this.#bytes += piece.size
    if (this.#pieces.length >= MAX_PIECES) this.#pieces = [new Blob(this.#pieces, { type: piece.type })]
    this.emit('bytes', this.#bytes)
    if (this.#bytes >= this.#maxBytes && this.#recorder.state !== 'inactive') {
      this.#isFull = true
      this.#recorder.stop()
    }
  }

  #finish(): void {
    this.#recordedMs = this.durationMs
    this.#runningSinceMs = undefined
    const { mimeType } = this.#recorder
    if (this.#bytes === 0) {
      this.#ended.reject(new TapedeckError('client/recording-failed', 'The browser recorded nothing.'))
    } else {
      this.#ended.resolve({
        file: new Blob(this.#pieces, { type: mimeType }),
        mimeType,
        extension: mimeType.includes('mp4') ? '.mp4' : '.webm',
        startedAt: this.#startedAt,
        durationMs: this.#recordedMs,
        isFull: this.#isFull,
      })
    }
    this.#pieces = []
    this.emit('state', 'inactive')
  }
}

function bestType(stream: MediaStream): string | undefined {
  const types = stream.getVideoTracks().length > 0 ? VIDEO_TYPES : AUDIO_TYPES
  return types.find((type) => MediaRecorder.isTypeSupported(type))
}
