import { lstat, realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Signal } from '#base/events.ts'
import type { Logger } from '#base/runtime.ts'
import type { Catalog } from '#storage/catalog/catalog.ts'
import { resolveInRoot } from '#storage/confine.ts'
import { storageErrorFrom, systemCode } from '#storage/errors.ts'
import { moveInRoot } from '#storage/exclusive-rename.ts'
import { filesOpenElsewhere } from '#storage/open-elsewhere.ts'
import { isThere } from '#storage/part-files.ts'
import { asideName } from '#storage/part-name.ts'
import { withLastName } from '#storage/part-rename.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { Archive } from './archive.ts'
import { isAt, type Place } from './existing.ts'
import type { FilesInUse } from './files-in-use.ts'
import type { RecorderEvent } from './recorder-api.ts'
import { isFinal } from './state.ts'

export interface SetAsideOptions {
  readonly catalog: Catalog
  readonly archive: Archive
  readonly inUse: FilesInUse
  readonly events: Signal<RecorderEvent>
  readonly log: Logger
}

/** Makes room for a new recording: what has its name is renamed to `x_0`, `x_1` …, and its recording knows. */
export class SetAside {
  readonly #options: SetAsideOptions
  readonly #running = new Set<Promise<void>>()

  constructor(options: SetAsideOptions) {
    this.#options = options
  }

  /**
   * Renames what lies in a place, unless somebody is still writing it: then, or when there is nothing, nothing happens.
   * @throws {StorageError} the disk refuses
   */
  async run(place: Place): Promise<void> {
    const running = this.#run(place)
    this.#running.add(running)
    try {
      await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Resolves when what is being renamed has its name, and its recording knows: whoever asked may have given up. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #run(place: Place): Promise<void> {
    const { catalog, inUse, log } = this.#options
    const path = await resolveInRoot(place.root, place.path)
    const realPath = await realFile(path)
    if (realPath === undefined) return
    const owners = await catalog.findByPart(place.root, place.path)
    const leave = (why: string) => {
      log.warn({ event: 'part.not-set-aside', path }, `this file ${why}: the new one gets another name`)
    }
    if (owners.some(({ state }) => !isFinal(state)) || (await filesOpenElsewhere()).has(realPath)) {
      leave('is still being recorded')
      return
    }
    const folder = place.path.slice(0, place.path.length - basename(place.path).length)
    for (let number = 0; !inUse.isLent(place.root, place.path); number++) {
      const to = folder + asideName(basename(place.path), number)
      if (inUse.isTaken(place.root, to, '') || (await isThere(place.root, to))) continue
      if (await this.#move(owners, place, path, to)) {
        log.info({ event: 'part.set-aside', path, to })
        return
      }
    }
    leave('is in the hands of a script')
  }

  /** False when the name was taken, or the file was lent, meanwhile. */
  async #move(owners: readonly RecordingDocument[], place: Place, path: string, to: string): Promise<boolean> {
    const { inUse } = this.#options
    // Noted first: a crash between the rename and its note must not leave a recording whose file is the new one's.
    await this.#amend(owners, place, (part) => ({ ...part, rename: { to } }))
    let moved = false
    try {
      // From here on nobody borrows it.
      moved = !inUse.isLent(place.root, place.path) && (await moveInRoot(place.root, path, to)) !== undefined
    } finally {
      const amended = await this.#amend(owners, place, (part) => {
        return moved ? { ...withLastName(part), path: to } : withLastName(part)
      })
      if (moved) this.#tell(amended, { root: place.root, path: to })
    }
    return moved
  }

  async #amend(
    owners: readonly RecordingDocument[],
    place: Place,
    change: (part: PartDocument) => PartDocument,
  ): Promise<RecordingDocument[]> {
    const amended = owners.map(({ id }) =>
      this.#options.archive.amend(id, (document) => {
        return { ...document, parts: document.parts.map((part) => (isAt(part, place) ? change(part) : part)) }
      }),
    )
    return (await Promise.all(amended)).filter((document) => document !== undefined)
  }

  #tell(recordings: readonly RecordingDocument[], place: Place): void {
    for (const recording of recordings) {
      const part = recording.parts.find((candidate) => isAt(candidate, place))
      if (part !== undefined) this.#options.events.emit({ type: 'part.renamed', recording, part })
    }
  }
}

/** Undefined when there is no file, or none any more. */
async function realFile(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isFile() ? await realpath(path) : undefined
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw storageErrorFrom(error, path)
  }
}
