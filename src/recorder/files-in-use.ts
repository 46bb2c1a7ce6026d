import { RecordingBusyError } from './errors.ts'
import { KeyedQueue } from './keyed-queue.ts'

/** Which recording in progress writes to which file: two must never append to one. */
export class FilesInUse {
  readonly #owners = new Map<string, string>()
  readonly #creations = new KeyedQueue()
  /** How many have each file. */
  readonly #lent = new Map<string, number>()

  /** @throws {RecordingBusyError} another recording writes to the file */
  claim(root: string, relativePath: string, recordingId: string): void {
    const key = `${root}\0${relativePath}`
    const owner = this.#owners.get(key)
    if (owner !== undefined && owner !== recordingId) throw new RecordingBusyError(owner, 'recording to the same file')
    this.#owners.set(key, recordingId)
  }

  /** Who wants to create the same file waits: until it is known whose it is, nobody may set it aside. */
  inTurn<Value>(root: string, relativePath: string, create: () => Promise<Value>): Promise<Value> {
    return this.#creations.run(`${root}\0${relativePath}`, create)
  }

  /** The recording has created the file: whoever claimed the name before there was one does not have it. */
  created(root: string, relativePath: string, recordingId: string): void {
    this.#owners.set(`${root}\0${relativePath}`, recordingId)
  }

  /** Whether a recording other than this one writes to the file, or will want its name back. */
  isTaken(root: string, relativePath: string, recordingId: string): boolean {
    const owner = this.#owners.get(`${root}\0${relativePath}`)
    return owner !== undefined && owner !== recordingId
  }

  /** Who writes to the file, or will want its name back; undefined when nobody does. */
  owner(root: string, relativePath: string): string | undefined {
    return this.#owners.get(`${root}\0${relativePath}`)
  }

  /** Somebody who does not write has the file for a while: it keeps its name. Dispose the result to give it back. */
  lend(root: string, relativePath: string): Disposable {
    const key = `${root}\0${relativePath}`
    this.#lent.set(key, (this.#lent.get(key) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#lent.get(key) ?? 1) - 1
        if (left === 0) this.#lent.delete(key)
        else this.#lent.set(key, left)
      },
    }
  }

  isLent(root: string, relativePath: string): boolean {
    return this.#lent.has(`${root}\0${relativePath}`)
  }

  /** The recording is over. */
  release(recordingId: string): void {
    for (const [key, owner] of this.#owners) if (owner === recordingId) this.#owners.delete(key)
  }
}
