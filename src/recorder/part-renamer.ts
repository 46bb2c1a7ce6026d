import type { Logger } from '#base/runtime.ts'
import { mayPass, StorageVanishedError } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartRename } from '#storage/recording-document.ts'
import { finalNames } from './final-name.ts'
import type { Part } from './part.ts'
import type { PartMaker } from './part-maker.ts'

export interface PartRenamerOptions {
  readonly maker: PartMaker
  readonly log: Logger
  /** Resolves when a start after a crash would find what the part says of its name. */
  readonly note: (part: Part) => Promise<void>
}

/**
 * Gives parts their last names: a number when another part follows (lastPlain), and what was not known before the end.
 *
 *     claim a free name → note it in the recording's document → rename → (the part is noted with its new path)
 *
 * A crash between any two of these leaves a document that says where the file is, or where it was about to be.
 */
export class PartRenamer {
  readonly #options: PartRenamerOptions

  constructor(options: PartRenamerOptions) {
    this.#options = options
  }

  /**
   * Gives a part that another follows its number. Never rejects: where it can't be, the part keeps the plain name, and
   * the next one gets another.
   * @param rename what its name is to become later
   */
  async number(part: Part, rename: PartRename | undefined): Promise<void> {
    const { maker, log } = this.#options
    const file = await part.opened
    if (file === undefined) return
    try {
      const to = await maker.claimNumber(part.index, file.relativePath)
      const next = part.isFinal ? undefined : rename
      if (to !== undefined) await this.#move(part, file, to, next)
    } catch (error) {
      log[error instanceof StorageVanishedError ? 'debug' : 'warn']({
        event: 'part.not-numbered',
        path: file.path,
        err: error,
      })
    }
  }

  /**
   * Gives a final part its last name.
   * @throws {StorageError} the disk refuses for now
   */
  async settle(part: Part, endedAtMs: number): Promise<void> {
    const { maker, log } = this.#options
    const { file, rename } = part
    if (file === undefined || rename?.recipe === undefined) return
    try {
      const { durationMs } = part.toDocument()
      const names = finalNames(rename.recipe, { endedAtMs, durationMs })
      const claim = await maker.claimFree(names)
      if (claim !== undefined) await this.#move(part, file, claim.path, undefined)
      part.rename = undefined
    } catch (error) {
      if (mayPass(error)) throw error
      // It is whole, only not called as it should be.
      log.error({ event: 'part.not-renamed', path: file.path, err: error })
      part.rename = undefined
    }
  }

  /** @param next what the name is to become later, once it is `to` */
  async #move(part: Part, file: PartFile, to: string, next: PartRename | undefined): Promise<void> {
    const { maker, note, log } = this.#options
    const { rename } = part
    part.rename = { ...rename, to, ...(next?.recipe !== undefined && { nextRecipe: next.recipe }) }
    await note(part)
    let moved = false
    try {
      moved = await file.moveTo(maker.root, to)
    } finally {
      part.rename = moved ? next : rename
    }
    if (!moved) log.warn({ event: 'part.name-taken', path: file.path, wanted: to })
  }
}
