import type { Logger } from '#base/runtime.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'

/** Where a recording's document is kept: catalog row and manifest. */
export interface RecordingStore {
  save(recording: RecordingDocument): Promise<void>
}

interface Entry {
  /** Newest document not yet handed to the store. */
  waiting: RecordingDocument | undefined
  writing: Promise<void>
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
  note(recording: RecordingDocument): void {
    const entry = this.#entries.get(recording.id)
    if (entry !== undefined) {
      entry.waiting = recording
      return
    }
    const created: Entry = { waiting: recording, writing: Promise.resolve() }
    this.#entries.set(recording.id, created)
    created.writing = this.#write(recording.id, created)
  }

  /** Resolves when everything noted about the recording so far is stored (or was refused and reported). */
  async settled(id: string): Promise<void> {
    await this.#entries.get(id)?.writing
  }

  async allSettled(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ writing }) => writing))
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
