import { errorCode } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import type { Control } from '#control/control.ts'
import { KeyedQueue } from '#recorder/keyed-queue.ts'
import { isFinal } from '#recorder/state.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { RecordingNotPermittedError, UnknownStreamError } from './errors.ts'
import type { LiveStream } from './live-stream.ts'
import { APPLICATION_LABEL, type FileRules, type RecordOptions, toRequest } from './record-options.ts'

/** How often recordings with a limit in bytes are looked at. */
const SIZE_CHECK_MS = 500

/** A recording that callers may stop, cut and replace. */
export interface Recorder {
  readonly stream: LiveStream
  readonly options: RecordOptions
  readonly recordingId: string
}

export interface RecordersOptions {
  readonly control: Pick<Control, 'hub' | 'recorder'>
  readonly log: Logger
  readonly rules: (app: string) => FileRules
}

/**
 * The recorder of each stream: at most one, as clients know it. A start while one runs ends that one first and begins
 * another; a stop without one does nothing.
 */
export class Recorders implements Disposable {
  readonly #options: RecordersOptions
  readonly #queue = new KeyedQueue()
  readonly #current = new Map<string, Recorder>()
  readonly #limited = new Map<string, number>()
  readonly #owned = new DisposableStack()

  constructor(options: RecordersOptions) {
    this.#options = options
    this.#owned.use(
      options.control.recorder.events.listen((event) => {
        if (event.type === 'recording.ready' || event.type === 'recording.failed') this.#forget(event.recording)
        // By whatever it was started: a rule of the REST interface's, for instance.
        if (event.type === 'recording.started') this.#limit(event.recording)
      }),
    )
    const timer = setInterval(() => this.#checkSizes(), SIZE_CHECK_MS).unref()
    this.#owned.defer(() => clearInterval(timer))
  }

  /** The recorder of a stream, if there is one. */
  of(path: string): Recorder | undefined {
    return this.#current.get(path)
  }

  list(): readonly Recorder[] {
    return [...this.#current.values()]
  }

  /**
   * Begins recording; a recorder that runs is ended first, its file final.
   * @throws {UnknownStreamError | RecordingNotPermittedError | TapedeckError} the core's reasons
   */
  start(stream: LiveStream, options: RecordOptions): Promise<RecordingDocument> {
    return this.#queue.run(stream.path, async () => {
      const { hub, recorder } = this.#options.control
      const rules = this.#options.rules(stream.app)
      if (rules.application.recordMode === 'none') throw new RecordingNotPermittedError(stream.app)
      if (hub.get(stream.path) === undefined) throw new UnknownStreamError(stream.app, stream.name)
      const request = toRequest(stream, options, rules)
      await this.#end(stream.path)
      const recording = await recorder.start(request)
      if (isFinal(recording.state)) return recording
      this.#current.set(stream.path, { stream, options, recordingId: recording.id })
      return recording
    })
  }

  /** Begins what no caller may end or replace: the application records always. @throws {TapedeckError} the core's reasons */
  async startForGood(stream: LiveStream, options: RecordOptions): Promise<RecordingDocument> {
    const rules = this.#options.rules(stream.app)
    return await this.#options.control.recorder.start(toRequest(stream, options, rules))
  }

  /** Resolves when the file is final; undefined when nothing was recorded. */
  stop(path: string): Promise<RecordingDocument | undefined> {
    return this.#queue.run(path, () => this.#end(path))
  }

  /** Begins a new file at the next random access point; undefined when nothing is recorded. */
  split(path: string): Promise<RecordingDocument | undefined> {
    return this.#queue.run(path, async () => {
      const current = this.#current.get(path)
      return current === undefined ? undefined : await this.#options.control.recorder.split(current.recordingId)
    })
  }

  async #end(path: string): Promise<RecordingDocument | undefined> {
    const current = this.#current.get(path)
    if (current === undefined) return undefined
    const recording = await this.#options.control.recorder.stop(current.recordingId)
    this.#current.delete(path)
    return recording
  }

  #limit({ id, metadata }: RecordingDocument): void {
    const app = metadata[APPLICATION_LABEL]
    if (app === undefined) return
    const { maxSizeBytes } = this.#options.rules(app).application
    if (maxSizeBytes > 0) this.#limited.set(id, maxSizeBytes)
  }

  #forget({ id, stream }: RecordingDocument): void {
    this.#limited.delete(id)
    if (this.#current.get(stream)?.recordingId === id) this.#current.delete(stream)
  }

  #checkSizes(): void {
    if (this.#limited.size === 0) return
    const { recorder } = this.#options.control
    for (const { id, bytes } of recorder.active()) {
      const limit = this.#limited.get(id)
      if (limit === undefined || bytes < limit) continue
      this.#limited.delete(id)
      this.#options.log.info({ event: 'wowza.size-limit', recording: id, bytes, limit })
      recorder.stop(id).catch((error: unknown) => {
        this.#options.log.error({ event: 'wowza.stop-failed', recording: id, code: errorCode(error), err: error })
      })
    }
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]()
  }
}
