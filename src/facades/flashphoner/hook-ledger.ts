import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { SerialQueue } from '#storage/serial-queue.ts'

const SINCE = 'since '
/** A line says of a recording that the script has run for this part of it, or for all it will ever have. */
const ALL = '*'
/** Beyond it the file is written anew without what is no longer needed. */
const MAX_LINES = 10_000

/**
 * Which files the operator's script has run for, kept across restarts: a line for each, and before them the time of
 * which nothing older is owed. A line that a kill cut off stands for a script that runs once more.
 */
export class HookLedger {
  readonly #path: string
  readonly #writes = new SerialQueue()
  #since = ''
  /** By recording: numbers of parts, or {@link ALL}. */
  readonly #done = new Map<string, Set<number> | typeof ALL>()
  #lines = 0

  private constructor(path: string) {
    this.#path = path
  }

  static async open(path: string): Promise<HookLedger> {
    const ledger = new HookLedger(path)
    const text = await readFile(path, 'utf8').catch(() => '')
    for (const line of text.split('\n').slice(0, -1)) ledger.#take(line)
    return ledger
  }

  /** ISO 8601; empty: anything may be owed. */
  get since(): string {
    return this.#since
  }

  /** It holds so much that forgetting is worth while. */
  get isLong(): boolean {
    return this.#lines > MAX_LINES
  }

  has(recordingId: string, part: number): boolean {
    const done = this.#done.get(recordingId)
    return done === ALL || done?.has(part) === true
  }

  /** Resolves when it is written. @throws the disk does not take it */
  add(recordingId: string, part: number): Promise<void> {
    return this.#append(`${recordingId}/${part}`)
  }

  /** The recording is over, and its script has run for all of it. @throws as add() */
  addAll(recordingId: string): Promise<void> {
    return this.#append(`${recordingId}/${ALL}`)
  }

  /**
   * Forgets recordings that are older than the time given: nothing of them is owed.
   * @param isKept of a recording's id: it is not older
   * @throws the disk does not take it
   */
  forgetBefore(since: string, isKept: (recordingId: string) => boolean): Promise<void> {
    return this.#writes.run(async () => {
      for (const id of this.#done.keys()) if (!isKept(id)) this.#done.delete(id)
      this.#since = since
      const lines = [...this.#done].flatMap(([id, done]) => {
        return done === ALL ? [`${id}/${ALL}`] : Array.from(done, (part) => `${id}/${part}`)
      })
      this.#lines = lines.length
      await writeFile(`${this.#path}.new`, [SINCE + since, ...lines, ''].join('\n'))
      await rename(`${this.#path}.new`, this.#path)
    })
  }

  #append(line: string): Promise<void> {
    this.#take(line)
    return this.#writes.run(() => appendFile(this.#path, `${line}\n`))
  }

  #take(line: string): void {
    if (line.startsWith(SINCE)) {
      this.#since = line.slice(SINCE.length)
      return
    }
    const [id = '', part = ''] = line.split('/')
    this.#lines++
    const done = this.#done.get(id)
    if (part === ALL) this.#done.set(id, ALL)
    else if (done === undefined) this.#done.set(id, new Set([Number(part)]))
    else if (done !== ALL) done.add(Number(part))
  }
}
