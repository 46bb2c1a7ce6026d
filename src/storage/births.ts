import { mkdir, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import type { Catalog } from './catalog/catalog.ts'
import { resolveInRoot } from './confine.ts'
import { systemCode } from './errors.ts'
import { filesOpenElsewhere } from './open-elsewhere.ts'

/** A file comes right after it was noted; one that is older or younger is somebody else's. */
const BORN_WITHIN_MS = 10_000

/** What a note says: where a file is about to be made. */
interface Place {
  readonly root: string
  /** Relative to the root. */
  readonly path: string
}

/** A file that is about to be made, or has been and is in no catalog yet. */
export interface Birth {
  /** The catalog knows the file, or there is none. Idempotent. */
  over(): void
}

/**
 * Notes every file before it is made, until the catalog knows it, so that a kill in between leaves none that nobody
 * knows. A note is a small file of its own: a row of the catalog would cost each part a transaction more.
 */
export class Births {
  readonly #folder: string
  readonly #runtime: Pick<Runtime, 'newId' | 'log'>

  /** @param folder absolute path; made with the first note */
  constructor(folder: string, runtime: Pick<Runtime, 'newId' | 'log'>) {
    this.#folder = folder
    this.#runtime = runtime
  }

  /** Call before the file is made. A note that can't be written keeps no recording from its file. */
  async note(root: string, path: string): Promise<Birth> {
    const { newId, log } = this.#runtime
    const note = join(this.#folder, newId())
    try {
      await this.#write(note, { root, path })
    } catch (error) {
      log.warn({ event: 'birth.not-noted', path, err: error })
    }
    let isOver = false
    return {
      over: () => {
        if (isOver) return
        isOver = true
        unlink(note).catch((error: unknown) => {
          if (systemCode(error) !== 'ENOENT') log.warn({ event: 'birth.not-forgotten', path, err: error })
        })
      },
    }
  }

  /**
   * Deletes the files that a kill left between their making and the catalog: those that are empty, in no recording, and
   * were made right after they were noted. Anything else is left alone. Call before new files are made.
   */
  async settle(catalog: Pick<Catalog, 'findByPart'>): Promise<void> {
    const notes = await readdir(this.#folder).catch(() => [])
    if (notes.length === 0) return
    const openElsewhere = await filesOpenElsewhere()
    for (const name of notes) {
      const note = join(this.#folder, name)
      try {
        await this.#settle(note, catalog, openElsewhere)
      } catch (error) {
        this.#runtime.log.warn({ event: 'birth.not-settled', note, err: error })
      }
      await rm(note, { force: true, recursive: true })
    }
  }

  async #settle(note: string, catalog: Pick<Catalog, 'findByPart'>, open: ReadonlySet<string>): Promise<void> {
    const place = readPlace(await readFile(note, 'utf8'))
    if (place === undefined) return
    const path = await resolveInRoot(place.root, place.path)
    const { mtimeMs: notedMs } = await stat(note)
    const file = await stat(path).catch(() => undefined)
    if (file?.isFile() !== true || file.size > 0 || open.has(path)) return
    // Of a file that nobody has touched since it was made, the time of its making.
    if (file.ctimeMs < notedMs || file.ctimeMs > notedMs + BORN_WITHIN_MS) return
    if ((await catalog.findByPart(place.root, place.path)).length > 0) return
    await unlink(path)
    this.#runtime.log.info({ event: 'birth.undone', path }, 'deleted an empty file that a kill has left')
  }

  async #write(note: string, place: Place): Promise<void> {
    const text = JSON.stringify(place)
    try {
      await writeFile(note, text, { flag: 'wx' })
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      await mkdir(this.#folder, { recursive: true })
      await writeFile(note, text, { flag: 'wx' })
    }
  }
}

/** Undefined when a kill has cut it short: then the file was not made yet. */
function readPlace(text: string): Place | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('root' in value) || !('path' in value)) return undefined
  const { root, path } = value
  return typeof root === 'string' && typeof path === 'string' ? { root, path } : undefined
}
