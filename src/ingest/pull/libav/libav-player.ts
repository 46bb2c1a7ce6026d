import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import { type PullRequest, type PullStop, pullProtocol } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS, type StreamEnd } from '#hub/stream.ts'
import type { Reservation } from '#media/payload-memory.ts'
import {
  PullConnectError,
  PullConnectionLostError,
  PullIdleError,
  PullNothingPlayableError,
  PullRefusedError,
  PullSourceEndedError,
  PullStreamNotFoundError,
  PullTimeoutError,
} from '../errors.ts'
import { PullFormatError, PullReaderError } from './errors.ts'
import type { LibavUrl } from './libav-url.ts'
import { ReadingProcess } from './reading-process.ts'
import type { ReadingTask } from './reading-task.ts'
import { TrackInput } from './track-input.ts'
import {
  FrameReader,
  type FrameSink,
  type OpenedFrame,
  type OverFrame,
  type TrackFrame,
  type UnitHead,
} from './wire.ts'

/** How often timeouts are looked at. */
const SWEEP_MS = 1_000

/** A process that has its source's silence to tell tells it before we end it. */
const TELLING_MS = 2_000

export interface LibavPlayerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  /** Without media for longer the source is given up. */
  readonly idleTimeoutMs: number
  readonly url: LibavUrl
  readonly task: ReadingTask
  readonly request: PullRequest
}

/** One process that reads one source: what it reads is published in the hub. */
export class LibavPlayer implements FrameSink {
  readonly #options: LibavPlayerOptions
  readonly #id: string
  readonly #log: Logger
  readonly #frames = new FrameReader(this)
  readonly #tracks = new Map<number, TrackInput>()
  readonly #sweeper: NodeJS.Timeout
  readonly #process: ReadingProcess
  readonly #onAbort = () => this.#stop()
  readonly #over = Promise.withResolvers<void>()
  #phase: 'opening' | 'media' | 'over' = 'opening'
  #publication: Publication | undefined
  #hasMedia = false
  #sinceMs: number

  constructor(options: LibavPlayerOptions) {
    const { runtime, request, task, url } = options
    this.#options = options
    this.#id = runtime.newId()
    this.#log = runtime.log.child({ protocol: pullProtocol(url.scheme), connectionId: this.#id, stream: request.path })
    this.#sinceMs = runtime.monotonicMs()
    this.#process = new ReadingProcess(task, {
      received: (bytes) => this.#attempt(() => this.#received(bytes)),
      exited: (how) => this.#fail(new PullReaderError(`it ended with ${how}`)),
    })
    this.#log.debug({ event: 'pull.reader-started', pid: this.#process.pid })
    this.#sweeper = setInterval(() => this.#attempt(() => this.#checkTimeouts()), SWEEP_MS)
    if (request.signal.aborted) this.#stop()
    else request.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Resolves when the request's signal was aborted. @throws {TapedeckError} it is over for another reason */
  async run(): Promise<void> {
    try {
      await this.#over.promise
    } finally {
      // The next try may want the same port.
      await this.#process.end()
    }
  }

  opened({ format, left }: OpenedFrame): void {
    this.#phase = 'media'
    this.#sinceMs = this.#options.runtime.monotonicMs()
    if (left.length > 0) this.#log.info({ event: 'pull.media-left', left })
    else this.#log.debug({ event: 'pull.opened', format })
  }

  track(frame: TrackFrame): void {
    const { stream } = this.#publish()
    const { trackId } = frame
    const known = this.#tracks.get(trackId)
    if (known !== undefined) known.changed(frame)
    else this.#tracks.set(trackId, new TrackInput(stream, frame, this.#options.request.damaged === 'keep'))
  }

  place(trackId: number, bytes: number): Reservation {
    return this.#known(trackId).place(bytes)
  }

  accessUnit(head: UnitHead, reservation: Reservation): void {
    this.#hasMedia = true
    this.#known(head.trackId).write(head, reservation)
  }

  over(frame: OverFrame): void {
    throw this.#errorOf(frame)
  }

  #received(bytes: Uint8Array): void {
    if (this.#phase !== 'over') this.#frames.push(bytes)
  }

  #known(trackId: number): TrackInput {
    const track = this.#tracks.get(trackId)
    if (track === undefined) throw new PullReaderError(`an access unit of track ${trackId}, which is not there`)
    return track
  }

  /** @throws {StreamPathInUseError | TooManyPublishersError} */
  #publish(): Publication {
    if (this.#publication !== undefined) return this.#publication
    const { hub, url, request } = this.#options
    this.#publication = hub.publish(request.path, {
      ...NO_CONNECTION_FACTS,
      protocol: pullProtocol(url.scheme),
      remoteAddress: '',
      connectionId: this.#id,
      encoder: '',
      disconnect: (reason) => this.#disconnected(reason),
    })
    this.#log.info({ event: 'pull.streaming', from: url.shown })
    request.onStreaming()
    return this.#publication
  }

  #errorOf({ how, isOpen, message, reasons }: OverFrame): TapedeckError {
    const { url, idleTimeoutMs } = this.#options
    const { shown } = url
    switch (how) {
      case 'ended':
      case 'stopped':
        return isOpen ? new PullSourceEndedError(shown) : new PullConnectionLostError(shown, undefined)
      case 'silent':
        return isOpen ? new PullIdleError(shown, idleTimeoutMs) : new PullTimeoutError(shown, idleTimeoutMs, 'anything')
      case 'unreachable':
        return new PullConnectError(shown, message)
      case 'missing':
        return new PullStreamNotFoundError(shown)
      case 'refused':
        return new PullRefusedError(shown, message, '')
      case 'strange':
        return new PullFormatError(shown, message)
      case 'nothing':
        return new PullNothingPlayableError(shown, reasons.length > 0 ? reasons : ['no tracks'])
      case 'failed':
        return new PullConnectionLostError(shown, new Error(message))
    }
  }

  #checkTimeouts(): void {
    const { runtime, idleTimeoutMs, url } = this.#options
    const nowMs = runtime.monotonicMs()
    const waitedMs = nowMs - this.#sinceMs
    if (this.#phase === 'opening') {
      if (!url.isAwaited && waitedMs > idleTimeoutMs) throw new PullTimeoutError(url.shown, idleTimeoutMs, 'with media')
      return
    }
    if (this.#hasMedia) {
      this.#hasMedia = false
      this.#sinceMs = nowMs
    } else if (waitedMs > idleTimeoutMs + TELLING_MS) throw new PullIdleError(url.shown, waitedMs)
  }

  /** The signal of the request. */
  #stop(): void {
    const { cause, message } = this.#options.request.signal.reason as PullStop
    this.#finish({ cause, message }, () => this.#over.resolve())
  }

  /** Somebody ended the stream in the hub; whoever wants the pull kept alive tries again. */
  #disconnected(reason: string): void {
    const error = new PullSourceEndedError(this.#options.url.shown)
    this.#finish({ cause: 'disconnected', message: reason }, () => this.#over.reject(error))
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#phase === 'over') return
    if (!(error instanceof TapedeckError)) this.#log.error({ event: 'pull.unexpected', err: error })
    const cause = error instanceof PullSourceEndedError ? 'unpublished' : 'lost'
    this.#finish({ cause, message: errorMessage(error) }, () => this.#over.reject(error))
  }

  #finish(end: StreamEnd, settle: () => void): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    clearInterval(this.#sweeper)
    this.#options.request.signal.removeEventListener('abort', this.#onAbort)
    for (const track of this.#tracks.values()) track[Symbol.dispose]()
    this.#frames[Symbol.dispose]()
    this.#publication?.end(end)
    settle()
  }
}
