import { StorageVanishedError } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'

/** How often the file is looked for under its name: a deleted one takes bytes without complaint. */
const CHECK_EVERY_MS = 1_000

/** Looks now and then whether the file a part writes to is still where it should be. */
export class FilePresence {
  readonly #onVanished: (error: StorageVanishedError) => void
  #isLooking = false
  #lookedMs: number

  constructor(nowMs: number, onVanished: (error: StorageVanishedError) => void) {
    this.#lookedMs = nowMs
    this.#onVanished = onVanished
  }

  /** The file has just been opened. */
  begin(nowMs: number): void {
    this.#lookedMs = nowMs
  }

  /** Call a few times a second. */
  tick(file: PartFile, nowMs: number): void {
    // All parts in the same tick: a hundred calls that come together wake a few threads of the pool, not a hundred.
    const isDue = Math.floor(nowMs / CHECK_EVERY_MS) > Math.floor(this.#lookedMs / CHECK_EVERY_MS)
    if (!isDue || this.#isLooking) return
    this.#lookedMs = nowMs
    this.#isLooking = true
    file.checkInPlace().then(
      () => {
        this.#isLooking = false
      },
      (error: unknown) => {
        this.#isLooking = false
        // Anything else that is wrong shows when something is written.
        if (error instanceof StorageVanishedError) this.#onVanished(error)
      },
    )
  }
}
