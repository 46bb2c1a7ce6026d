import { stat } from 'node:fs/promises'
import type { Logger } from '#base/runtime.ts'
import { digestFile } from './digest.ts'
import { StorageVanishedError, systemCode } from './errors.ts'

/** A finished part to hash. */
export interface DigestJob {
  readonly recordingId: string
  readonly partIndex: number
  /** Absolute. */
  readonly path: string
}

export interface DigestQueueOptions {
  readonly bytesPerSecond: number
  readonly log: Logger
  /** The hash of a file that did not change while it was read. */
  readonly onDigest: (job: DigestJob, sha256: string) => void
  /** There is no file: a hook has taken it, or somebody has deleted it. */
  readonly onGone?: (job: DigestJob) => void
}

/** Hashes finished parts in the background, one at a time, in the order they were added. */
export class DigestQueue implements AsyncDisposable {
  readonly #options: DigestQueueOptions
  readonly #waiting: DigestJob[] = []
  #current: { readonly job: DigestJob; readonly abort: AbortController } | undefined
  #working: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: DigestQueueOptions) {
    this.#options = options
  }

  /** Jobs not yet done. */
  get length(): number {
    return this.#waiting.length + (this.#current === undefined ? 0 : 1)
  }

  /** Whether parts of the recording wait. */
  has(recordingId: string): boolean {
    return this.#waiting.some((job) => job.recordingId === recordingId)
  }

  /** Resolves when nothing waits, or the queue is closed. */
  async idle(): Promise<void> {
    while (!this.#closed && this.length > 0) await this.#working
  }

  add(job: DigestJob): void {
    if (this.#closed) return
    this.#waiting.push(job)
    if (this.#current === undefined && this.#waiting.length === 1) this.#working = this.#work()
  }

  /** Forgets the parts of a recording: it is deleted, or its file is continued. */
  cancel(recordingId: string): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index]?.recordingId === recordingId) this.#waiting.splice(index, 1)
    }
    if (this.#current?.job.recordingId === recordingId) this.#current.abort.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#waiting.length = 0
    this.#current?.abort.abort()
    await this.#working
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      const abort = new AbortController()
      this.#current = { job, abort }
      this.#waiting.shift()
      const sha256 = await this.#digest(job, abort.signal)
      this.#current = undefined
      if (sha256 !== undefined && !abort.signal.aborted) this.#options.onDigest(job, sha256)
    }
  }

  async #digest(job: DigestJob, signal: AbortSignal): Promise<string | undefined> {
    try {
      const before = await stat(job.path)
      const sha256 = await digestFile(job.path, { signal, bytesPerSecond: this.#options.bytesPerSecond })
      const after = await stat(job.path)
      if (before.size === after.size && before.mtimeMs === after.mtimeMs && before.ino === after.ino) return sha256
    } catch (error) {
      const { log } = this.#options
      // Somebody has taken it away, a hook perhaps: his right, and nothing to warn of at each start.
      if (systemCode(error) === 'ENOENT' || error instanceof StorageVanishedError) {
        log.debug({ event: 'digest.file-gone', path: job.path }, 'part not hashed: its file is gone')
        if (!signal.aborted) this.#options.onGone?.(job)
      } else if (!signal.aborted) log.warn({ event: 'digest.failed', path: job.path, err: error }, 'part not hashed')
    }
    return undefined
  }
}
