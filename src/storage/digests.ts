import { join } from 'node:path'
import type { Logger } from '#base/runtime.ts'
import type { Catalog, PartKey } from './catalog/catalog.ts'
import { DigestQueue } from './digest-queue.ts'
import type { RecordingDocument } from './recording-document.ts'

/** Parts taken from the catalog at a time. */
const PAGE_PARTS = 500

/**
 * Digests of a recording of many parts are noted together, at least this often: each note writes a document that has
 * all its parts.
 */
const NOTE_EVERY_MS = 60_000

export interface DigestsOptions {
  readonly catalog: Pick<Catalog, 'undigested' | 'noteFileGone'>
  readonly node: string
  readonly bytesPerSecond: number
  readonly log: Logger
  /** Puts digests into a recording's document. @param digests by index of the part, lower-case hex */
  readonly note: (recordingId: string, digests: ReadonlyMap<number, string>) => Promise<void>
}

/** The digests of all finished parts: of new ones, and of those that an end of the server came before. */
export class Digests implements AsyncDisposable {
  readonly #options: DigestsOptions
  readonly #queue: DigestQueue
  readonly #unnoted = new Map<string, Map<number, string>>()
  readonly #notes = new Set<Promise<void>>()
  readonly #timers = new Map<string, NodeJS.Timeout>()

  constructor(options: DigestsOptions) {
    this.#options = options
    this.#queue = new DigestQueue({
      bytesPerSecond: options.bytesPerSecond,
      log: options.log,
      onDigest: ({ recordingId, partIndex }, sha256) => this.#digested(recordingId, partIndex, sha256),
      onGone: ({ recordingId, partIndex: index }) => {
        options.catalog
          .noteFileGone({ recordingId, index })
          .catch((error: unknown) => this.#notNoted(recordingId, error))
        if (!this.#queue.has(recordingId)) this.#note(recordingId)
      },
    })
  }

  /** Hashes what is final in it and has no digest yet. */
  add({ id, parts }: RecordingDocument): void {
    for (const { index, state, sha256, root, path } of parts) {
      if (state === 'ready' && sha256 === null)
        this.#queue.add({ recordingId: id, partIndex: index, path: join(root, path) })
    }
  }

  /** Forgets a recording's parts: it is deleted, or its files are called otherwise now. */
  cancel(recordingId: string): void {
    this.#queue.cancel(recordingId)
  }

  /** Hashes what earlier runs of the server have left, a page at a time. Resolves when it has asked for all of it. */
  async catchUp(signal: AbortSignal): Promise<void> {
    const { catalog, node } = this.#options
    for (let after: PartKey | undefined; !signal.aborted; ) {
      const page = await catalog.undigested(node, PAGE_PARTS, after)
      for (const { recordingId, index, root, path } of page)
        this.#queue.add({ recordingId, partIndex: index, path: join(root, path) })
      if (page.length < PAGE_PARTS) return
      after = page.at(-1)
      await this.#queue.idle()
    }
  }

  /** Ends the hash under way; those made so far are noted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue[Symbol.asyncDispose]()
    for (const recordingId of [...this.#unnoted.keys()]) this.#note(recordingId)
    await Promise.all(this.#notes)
  }

  #digested(recordingId: string, index: number, sha256: string): void {
    const digests = this.#unnoted.get(recordingId) ?? new Map<number, string>()
    this.#unnoted.set(recordingId, digests.set(index, sha256))
    if (!this.#queue.has(recordingId)) this.#note(recordingId)
    else if (!this.#timers.has(recordingId))
      this.#timers.set(recordingId, setTimeout(() => this.#note(recordingId), NOTE_EVERY_MS).unref())
  }

  #note(recordingId: string): void {
    clearTimeout(this.#timers.get(recordingId))
    this.#timers.delete(recordingId)
    const digests = this.#unnoted.get(recordingId)
    if (digests === undefined) return
    this.#unnoted.delete(recordingId)
    const noted = this.#options
      .note(recordingId, digests)
      .catch((error: unknown) => this.#notNoted(recordingId, error))
      .finally(() => this.#notes.delete(noted))
    this.#notes.add(noted)
  }

  #notNoted(recordingId: string, error: unknown): void {
    this.#options.log.warn({ event: 'digest.not-stored', recording: recordingId, err: error })
  }
}
