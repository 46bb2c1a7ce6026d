import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { PosterQueueFullError, PosterUnavailableError } from './errors.ts'
import { makePoster } from './poster-process.ts'
import { readIfThere } from './read-file.ts'

const MAX_WAITING = 200
/** A recording that gave no picture is not asked again so soon: it may be audio only, or hold no whole fragment yet. */
const RETRY_AFTER_MS = 15_000
const MAX_REMEMBERED_FAILURES = 1_000

export interface PostersOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  /** Where they are kept; made when the first is. */
  readonly folder: string
}

interface WantedPoster {
  readonly recording: RecordingDocument
  readonly partPath: string
  /** Where it is kept. */
  readonly file: string
}

/**
 * The first key frame of each recording as a JPEG, made when first asked for and kept. One at a time: a page full of
 * recordings must not take the CPU from those in progress.
 */
export class Posters implements AsyncDisposable {
  readonly #options: PostersOptions
  readonly #pending = new Map<string, Promise<string>>()
  readonly #failures = new Map<string, { readonly atMs: number; readonly error: PosterUnavailableError }>()
  readonly #aborted = new AbortController()
  readonly #deletions: Disposable
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: PostersOptions) {
    this.#options = options
    this.#deletions = options.recorder.events.listen((event) => {
      if (event.type === 'recording.deleted') void this.#forget(event.recording.id)
    })
  }

  /**
   * The JPEG's bytes.
   * @throws {PosterUnavailableError} no video, nothing decodable yet, or the decoder failed
   * @throws {PosterQueueFullError}
   * @throws what RecorderApi.partFile throws
   */
  async get(recordingId: string): Promise<Uint8Array> {
    const { path: partPath, recording } = await this.#options.recorder.partFile(recordingId, 1)
    const file = join(this.#options.folder, `${recording.id}.jpg`)
    const kept = await readIfThere(file)
    if (kept !== undefined) return kept
    const failure = this.#failures.get(recording.id)
    if (failure !== undefined && this.#options.runtime.monotonicMs() - failure.atMs < RETRY_AFTER_MS)
      throw failure.error
    return readFile(await this.#make({ recording, partPath, file }))
  }

  #make(wanted: WantedPoster): Promise<string> {
    const { id } = wanted.recording
    const pending = this.#pending.get(id)
    if (pending !== undefined) return pending
    if (this.#pending.size >= MAX_WAITING) throw new PosterQueueFullError(this.#pending.size)
    const made = this.#last.then(() => this.#makeNow(wanted)).finally(() => this.#pending.delete(id))
    this.#last = made.catch(() => undefined)
    this.#pending.set(id, made)
    return made
  }

  async #makeNow({ recording: { id, format }, partPath, file }: WantedPoster): Promise<string> {
    const { runtime, folder } = this.#options
    const temporary = `${file}.${runtime.newId()}.tmp`
    try {
      await mkdir(folder, { recursive: true })
      await makePoster({ input: partPath, container: format, output: temporary, signal: this.#aborted.signal })
      if ((await stat(temporary)).size === 0) throw new Error('the decoder wrote an empty picture')
      await rename(temporary, file)
      return file
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      const unavailable = new PosterUnavailableError(id, errorMessage(error))
      this.#rememberFailure(id, unavailable)
      runtime.log.debug({ event: 'poster.failed', recordingId: id, err: error })
      throw unavailable
    }
  }

  #rememberFailure(id: string, error: PosterUnavailableError): void {
    this.#failures.delete(id)
    this.#failures.set(id, { atMs: this.#options.runtime.monotonicMs(), error })
    const oldest = this.#failures.keys().next()
    if (this.#failures.size > MAX_REMEMBERED_FAILURES && oldest.done !== true) this.#failures.delete(oldest.value)
  }

  async #forget(id: string): Promise<void> {
    this.#failures.delete(id)
    try {
      await this.#pending.get(id)?.catch(() => undefined)
      await rm(join(this.#options.folder, `${id}.jpg`), { force: true })
    } catch (error) {
      this.#options.runtime.log.warn({ event: 'poster.delete-failed', recordingId: id, err: error })
    }
  }

  /** Ends the decoder in progress and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#deletions[Symbol.dispose]()
    this.#aborted.abort()
    await this.#last
  }
}
