import type { Change } from '#containers/container.ts'
import { StorageVanishedError, storageErrorFrom } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartFiles } from '#storage/part-files.ts'
import { MemoryPart } from './part-bytes.ts'

/** A disk in memory that does what the test says, and nothing by itself. */
export class MemoryDisk {
  /** Parts by relative path; what vanished is gone. */
  readonly parts = new Map<string, MemoryPart>()
  readonly gone = new Set<string>()
  /** Writing and creating fail as the system would with this code. */
  failing: string | undefined
  #hang: PromiseWithResolvers<void> | undefined
  #created = 0

  readonly files: PartFiles = {
    create: async (_root, relativePath) => {
      await this.turn()
      this.#created++
      const path = this.parts.has(relativePath) ? `${this.#created}-${relativePath}` : relativePath
      const part = new MemoryPart()
      this.parts.set(path, part)
      return new MemoryFile(this, path, part)
    },
    openForAppend: async (_root, relativePath) => {
      await this.turn()
      const part = this.parts.get(relativePath)
      return part === undefined ? undefined : new MemoryFile(this, relativePath, part)
    },
  }

  /** From now on operations don't end, until release(). */
  hang(): void {
    this.#hang ??= Promise.withResolvers()
  }

  release(): void {
    this.#hang?.resolve()
    this.#hang = undefined
  }

  /** All files are gone; who has one open writes on into nothing. */
  vanish(): void {
    for (const path of this.parts.keys()) this.gone.add(path)
    this.parts.clear()
  }

  async turn(): Promise<void> {
    await this.#hang?.promise
    if (this.failing === undefined) return
    throw storageErrorFrom(Object.assign(new Error(this.failing), { code: this.failing }), 'memory')
  }
}

class MemoryFile implements PartFile {
  path: string
  relativePath: string
  readonly #disk: MemoryDisk
  readonly #part: MemoryPart
  #last: Promise<unknown> = Promise.resolve()

  constructor(disk: MemoryDisk, path: string, part: MemoryPart) {
    this.#disk = disk
    this.path = path
    this.relativePath = path
    this.#part = part
  }

  get sizeBytes(): number {
    return this.#part.sizeBytes
  }

  known(): void {}

  apply(changes: readonly Change[]): Promise<void> {
    return this.#inOrder(() => this.#part.apply(changes))
  }

  truncate(toBytes: number): Promise<void> {
    return this.#inOrder(() => this.#part.truncate(toBytes))
  }

  read(position: number, bytes: number): Promise<Uint8Array> {
    return this.#part.read(position, bytes)
  }

  sync(): Promise<void> {
    return this.#inOrder(async () => {})
  }

  async checkInPlace(): Promise<void> {
    if (this.#disk.parts.get(this.path) !== this.#part) throw new StorageVanishedError(this.path)
  }

  commit(): Promise<void> {
    return this.#inOrder(async () => {})
  }

  async moveTo(_root: string, relativePath: string): Promise<boolean> {
    await this.#disk.turn()
    if (this.#disk.parts.has(relativePath)) return false
    this.#disk.parts.delete(this.path)
    this.#disk.parts.set(relativePath, this.#part)
    this.path = relativePath
    this.relativePath = relativePath
    return true
  }

  async discard(): Promise<void> {
    this.#disk.parts.delete(this.path)
  }

  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #inOrder(job: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      await this.#disk.turn()
      await job()
    })
    this.#last = done.catch(() => {})
    return done
  }
}
