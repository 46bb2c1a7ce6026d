import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Catalog, RecordingPage, RecordingQuery } from '#storage/catalog/catalog.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import { SerialQueue } from '#storage/serial-queue.ts'
import { PartNotFoundError, RecordingBusyError, RecordingHeldError, RecordingNotFoundError } from './errors.ts'
import { isAt, places, withoutPart } from './existing.ts'
import type { FilesInUse } from './files-in-use.ts'
import type { Journal } from './journal.ts'
import type { LentPart, RecorderEvent } from './recorder-api.ts'
import type { Recording } from './recording.ts'
import type { RecorderSettings } from './settings.ts'

/** A rename takes milliseconds, and what a kill has left of one is settled early in the next start. */
const RENAME_PATIENCE_MS = 10_000
const RENAME_POLL_MS = 20

export interface ArchiveOptions {
  readonly runtime: Runtime
  readonly settings: RecorderSettings
  readonly catalog: Catalog
  readonly journal: Journal
  readonly events: Signal<RecorderEvent>
  /** Of these the recording itself knows more than the catalog. */
  readonly inProgress: ReadonlyMap<string, Recording>
  readonly inUse: FilesInUse
  /** Files, manifest and row. */
  readonly remove: (recording: RecordingDocument) => Promise<void>
}

/** Every recording there is, as stored or in progress; and changes to those that are over. */
export class Archive {
  readonly #options: ArchiveOptions
  readonly #amendments = new SerialQueue()
  readonly #removals = new Map<string, Promise<void>>()

  constructor(options: ArchiveOptions) {
    this.#options = options
  }

  /** @throws {RecordingNotFoundError} */
  async get(id: string): Promise<RecordingDocument> {
    const document = await this.#find(id)
    if (document === undefined) throw new RecordingNotFoundError(id)
    return document
  }

  async list(query: RecordingQuery): Promise<RecordingPage> {
    const { catalog, inProgress } = this.#options
    const page = await catalog.list(query)
    return { ...page, recordings: page.recordings.map((stored) => inProgress.get(stored.id)?.toDocument() ?? stored) }
  }

  /** @throws {PartNotFoundError} @throws {RecordingNotFoundError} */
  async partFile(
    id: string,
    index: number,
  ): Promise<{ path: string; part: PartDocument; recording: RecordingDocument }> {
    const recording = await this.get(id)
    const part = recording.parts.find((candidate) => candidate.index === index)
    if (part === undefined) throw new PartNotFoundError(id, index)
    return { path: join(part.root, part.path), part, recording }
  }

  /** See RecorderApi. @throws {PartNotFoundError} @throws {RecordingBusyError} */
  async lendPart(id: string, index: number): Promise<LentPart> {
    const { inProgress, catalog, inUse, runtime } = this.#options
    const endsMs = runtime.monotonicMs() + RENAME_PATIENCE_MS
    for (;;) {
      const part = inProgress.get(id)?.part(index) ?? (await catalog.part(id, index))
      if (part === undefined) throw new PartNotFoundError(id, index)
      // Whoever makes room for a new recording notes the new name and waits for that before he renames, so there is no
      // doubt whose file it is while it has none.
      if (part.rename?.to === undefined) {
        const lent = inUse.lend(part.root, part.path)
        return { part, [Symbol.dispose]: () => lent[Symbol.dispose]() }
      }
      if (runtime.monotonicMs() > endsMs) throw new RecordingBusyError(id, `renaming its part ${index}`)
      await sleep(RENAME_POLL_MS)
    }
  }

  /** @throws {RecordingBusyError} @throws {RecordingHeldError} @throws {RecordingNotFoundError} */
  remove(id: string): Promise<void> {
    const removal = this.#removals.get(id) ?? this.#remove(id).finally(() => this.#removals.delete(id))
    this.#removals.set(id, removal)
    return removal
  }

  /** Of a recording that is over. @throws {RecordingNotFoundError} @throws {RecordingBusyError} it is being replaced */
  async setHeld(id: string, held: boolean): Promise<RecordingDocument> {
    const changed = await this.amend(id, (document) => {
      if (held) this.checkNotBeingReplaced(document)
      return { ...document, held }
    })
    if (changed === undefined) throw new RecordingNotFoundError(id)
    return changed
  }

  /**
   * Changes what is stored of a recording that is over. One change after the other: two that read the same document
   * (the digests of two parts) would undo each other. Undefined when there is no such recording.
   */
  amend(
    id: string,
    change: (document: RecordingDocument) => RecordingDocument | undefined,
  ): Promise<RecordingDocument | undefined> {
    const { journal } = this.#options
    return this.#amendments.run(async () => {
      await journal.settled(id)
      const document = await this.#find(id)
      if (document === undefined) return undefined
      const changed = change(document)
      if (changed === undefined) return undefined
      journal.note(changed, 'now')
      await journal.settled(id)
      return changed
    })
  }

  /** Recordings whose file a part of `id` has replaced lose that part, and are gone when it was their last. */
  async forgetReplaced(id: string, place: { root: string; path: string }): Promise<void> {
    const { catalog, inProgress, remove, events } = this.#options
    for (const { id: replacedId } of await catalog.findByPart(place.root, place.path)) {
      if (replacedId === id || inProgress.has(replacedId)) continue
      let replaced: RecordingDocument | undefined
      const left = await this.amend(replacedId, (document) => {
        replaced = document
        return withoutPart(document, place)
      })
      if (left !== undefined || replaced === undefined) continue
      // Its only file is the new recording's now.
      await remove({ ...replaced, parts: [] })
      events.emit({ type: 'recording.deleted', recording: replaced })
    }
  }

  /** @throws {RecordingBusyError} a recording in progress will take the place of one of its files */
  checkNotBeingReplaced(document: RecordingDocument): void {
    const { inProgress, settings, runtime } = this.#options
    for (const { id, request } of inProgress.values()) {
      if (request.ifExists !== 'overwrite') continue
      for (const place of places(settings, request, runtime)) {
        if (document.parts.some((part) => isAt(part, place)))
          throw new RecordingBusyError(document.id, `being replaced by ${id}`)
      }
    }
  }

  /** Its names are not given to anybody before its files are gone, and files that are somebody's by now are left alone. */
  async #remove(id: string): Promise<void> {
    const { inUse, remove, events } = this.#options
    const isOthers = ({ root, path }: PartDocument) => inUse.isTaken(root, path, '')
    let recording = await this.#removable(id)
    const contested = recording.parts.filter(isOthers)
    if (contested.length > 0) {
      // It may just be set aside; then it is called otherwise afterwards.
      await Promise.all(contested.map(({ root, path }) => inUse.inTurn(root, path, () => Promise.resolve())))
      recording = await this.#removable(id)
    }
    for (const part of recording.parts) this.#checkNotWanted(id, part)
    const parts = recording.parts.filter((part) => !isOthers(part))
    const claimant = `removal of ${id}`
    for (const { root, path } of parts) inUse.claim(root, path, claimant)
    try {
      await remove({ ...recording, parts })
    } finally {
      inUse.release(claimant)
    }
    events.emit({ type: 'recording.deleted', recording })
  }

  /**
   * A file that somebody is about to replace, or to rename, would stay behind if he then did not.
   * @throws {RecordingBusyError}
   */
  #checkNotWanted(id: string, part: PartDocument): void {
    const { inUse, inProgress } = this.#options
    const owner = inUse.owner(part.root, part.path)
    if (owner === undefined) return
    const theirs = inProgress.get(owner)?.toDocument().parts ?? []
    if (!theirs.some((other) => isAt(other, part))) throw new RecordingBusyError(id, `about to make room for ${owner}`)
  }

  /** @throws {RecordingBusyError} @throws {RecordingHeldError} @throws {RecordingNotFoundError} */
  async #removable(id: string): Promise<RecordingDocument> {
    const { inProgress, journal } = this.#options
    await journal.settled(id)
    const recording = await this.get(id)
    if (inProgress.has(id)) throw new RecordingBusyError(id, recording.state)
    if (recording.held) throw new RecordingHeldError(id)
    return recording
  }

  async #find(id: string): Promise<RecordingDocument | undefined> {
    return this.#options.inProgress.get(id)?.toDocument() ?? (await this.#options.catalog.get(id))
  }
}
