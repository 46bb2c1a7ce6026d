import type { Logger } from '#base/runtime.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'

/** Where a recording's document is kept: catalog row and manifest. */
export interface RecordingStore {
  save(recording: RecordingDocument): Promise<void>
}

/** `now`: what a crash must find (a new file, the end). `soon`: may wait for what follows within the second. */
export type Urgency = 'now' | 'soon'

/** How long a document that may wait is held for a newer one. */
const SOON_MS = 1_000

interface Entry {
  /** Newest document not yet handed to the store. */
  waiting: RecordingDocument | undefined
  writing: Promise<void> | undefined
  timer: NodeJS.Timeout | undefined
}

/**
 * Saves recordings' documents in order, one write at a time for each recording; while one is on its way only the newest
 * of those that follow is kept. A store that fails is reported and tried again with the next document: it never
 * disturbs the recording.
 */
export class Journal {
  readonly #store: RecordingStore
  readonly #log: Logger
  readonly #entries = new Map<string, Entry>()

  constructor(store: RecordingStore, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /** Takes the document; returns at once. */
  note(recording: RecordingDocument, urgency: Urgency): void {
    let entry = this.#entries.get(recording.id)
    if (entry === undefined) {
      entry = { waiting: undefined, writing: undefined, timer: undefined }
      this.#entries.set(recording.id, entry)
    }
    entry.waiting = recording
    if (entry.writing !== undefined) return
    if (urgency === 'now') this.#begin(recording.id, entry)
    else entry.timer ??= setTimeout(() => this.#begin(recording.id, entry), SOON_MS)
  }

  /** Resolves when everything noted about the recording so far is stored (or was refused and reported). */
  async settled(id: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    if (entry.writing === undefined) this.#begin(id, entry)
    await entry.writing
  }

  async allSettled(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((id) => this.settled(id)))
  }

  #begin(id: string, entry: Entry): void {
    clearTimeout(entry.timer)
    entry.timer = undefined
    entry.writing ??= this.#write(id, entry)
  }

  async #write(id: string, entry: Entry): Promise<void> {
    while (entry.waiting !== undefined) {
      const recording = entry.waiting
      entry.waiting = undefined
      try {
        await this.#store.save(recording)
      } catch (error) {
        this.#log.error({ event: 'journal.save-failed', recording: id, err: error })
      }
    }
    this.#entries.delete(id)
  }
}
