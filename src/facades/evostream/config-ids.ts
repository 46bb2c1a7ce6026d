import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '#base/runtime.ts'
import { SerialQueue } from '#storage/serial-queue.ts'

const FILE = 'config-ids.json'

/** Numbers of configurations: from 1, never given twice, over restarts too. */
export class ConfigIds {
  readonly #folder: string
  readonly #log: Logger
  readonly #writes = new SerialQueue()
  #next: number

  private constructor(folder: string, log: Logger, next: number) {
    this.#folder = folder
    this.#log = log
    this.#next = next
  }

  /** @param inUse ids of the configurations that are there, in case the file is not */
  static async open(folder: string, log: Logger, inUse: Iterable<number>): Promise<ConfigIds> {
    let next = 1
    for (const id of inUse) next = Math.max(next, id + 1)
    try {
      const stored: unknown = JSON.parse(await readFile(join(folder, FILE), 'utf8'))
      if (typeof stored === 'object' && stored !== null && 'next' in stored && Number.isSafeInteger(stored.next)) {
        next = Math.max(next, Number(stored.next))
      }
    } catch (error) {
      const isNew = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (!isNew) log.warn({ event: 'evostream.config-ids-unreadable', err: error }, 'configIds may be given again')
    }
    return new ConfigIds(folder, log, next)
  }

  take(): number {
    const id = this.#next++
    this.#writes
      .run(() => this.#save())
      .catch((error: unknown) => {
        // Worth no failed recording: what is configured is in the catalog, and an id that is gone may come again.
        this.#log.warn({ event: 'evostream.config-ids-not-stored', err: error })
      })
    return id
  }

  /** Resolves when the last number is stored. */
  settled(): Promise<void> {
    return this.#writes.run(() => Promise.resolve())
  }

  async #save(): Promise<void> {
    const path = join(this.#folder, FILE)
    await writeFile(`${path}.new`, JSON.stringify({ next: this.#next }))
    await rename(`${path}.new`, path)
  }
}
