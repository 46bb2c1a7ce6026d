import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { SerialQueue } from '#storage/serial-queue.ts'

const SINCE = 'since '

/**
 * Which files the operator's script has run for, kept across restarts: a line for each, and before them the time of
 * which nothing older is owed. A line that a kill cut off stands for a script that runs once more.
 */
export class HookLedger {
  readonly #path: string
  readonly #writes = new SerialQueue()
  #since: string
  readonly #done: Set<string>

  private constructor(path: string, since: string, done: readonly string[]) {
    this.#path = path
    this.#since = since
    this.#done = new Set(done)
  }

  static async open(path: string): Promise<HookLedger> {
    const text = await readFile(path, 'utf8').catch(() => '')
    const lines = text.split('\n').slice(0, -1)
    const since = lines.find((line) => line.startsWith(SINCE))?.slice(SINCE.length) ?? ''
    return new HookLedger(path, since, lines)
  }

  /** ISO 8601; empty: anything may be owed. */
  get since(): string {
    return this.#since
  }

  has(file: string): boolean {
    return this.#done.has(file)
  }

  /** Resolves when it is written. @throws the disk does not take it */
  add(file: string): Promise<void> {
    this.#done.add(file)
    return this.#writes.run(() => appendFile(this.#path, `${file}\n`))
  }

  /** Forgets what is older than the time given: nothing of it is owed. @throws the disk does not take it */
  forgetBefore(since: string, isKept: (file: string) => boolean): Promise<void> {
    return this.#writes.run(async () => {
      const kept = new Set([...this.#done].filter((file) => !file.startsWith(SINCE) && isKept(file)))
      await writeFile(`${this.#path}.new`, [SINCE + since, ...kept, ''].join('\n'))
      await rename(`${this.#path}.new`, this.#path)
      this.#since = since
      for (const file of this.#done) if (!kept.has(file)) this.#done.delete(file)
    })
  }
}
