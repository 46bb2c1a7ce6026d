import { close, fstat } from 'node:fs'
import { rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Change } from '#containers/container.ts'
import type { Birth } from './births.ts'
import { PartChangeError, PartClosedError, StorageVanishedError, storageErrorFrom } from './errors.ts'
import { moveInRoot } from './exclusive-rename.ts'
import type { PartFile } from './part-file.ts'
import { readAt, syncData, truncateTo, writeAll, writeAt } from './raw-file.ts'
import { SerialQueue } from './serial-queue.ts'
import { syncDirectory } from './sync-directory.ts'

const closeDescriptor = promisify(close)
const statDescriptor = promisify(fstat)

/** An open descriptor, handed over to the DiskPart, which closes it. */
export interface OpenedPart {
  readonly descriptor: number
  readonly path: string
  readonly relativePath: string
  readonly sizeBytes: number
  /** File name the part takes in commit(), in the same folder; undefined when it already has its final name. */
  readonly replaces: string | undefined
  /** Of a file just made; over when it is known, or gone. */
  readonly birth?: Birth | undefined
}

/** A part on a local or mounted disk, through positioned writes on a bare descriptor. */
export class DiskPart implements PartFile {
  readonly #descriptor: number
  readonly #queue = new SerialQueue()
  #path: string
  #relativePath: string
  #sizeBytes: number
  #replaces: string | undefined
  readonly #birth: Birth | undefined
  #committed = false
  /** Which file the descriptor is of: asked once, since the look for the name is taken every second. */
  #identity: { readonly ino: number; readonly dev: number } | undefined
  #closing: Promise<void> | undefined

  constructor(opened: OpenedPart) {
    this.#descriptor = opened.descriptor
    this.#path = opened.path
    this.#relativePath = opened.relativePath
    this.#sizeBytes = opened.sizeBytes
    this.#replaces = opened.replaces
    this.#birth = opened.birth
  }

  get path(): string {
    return this.#path
  }

  get relativePath(): string {
    return this.#relativePath
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  known(): void {
    this.#birth?.over()
  }

  apply(changes: readonly Change[]): Promise<void> {
    return this.#run(() => this.#apply(changes))
  }

  truncate(toBytes: number): Promise<void> {
    return this.#run(async () => {
      await truncateTo(this.#descriptor, toBytes)
      this.#sizeBytes = toBytes
    })
  }

  read(position: number, bytes: number): Promise<Uint8Array> {
    const available = Math.max(0, Math.min(bytes, this.#sizeBytes - position))
    return this.#run(() => readAt(this.#descriptor, position, available), 'together')
  }

  sync(): Promise<void> {
    return this.#run(() => syncData(this.#descriptor))
  }

  checkInPlace(): Promise<void> {
    return this.#run(async () => {
      this.#identity ??= await statDescriptor(this.#descriptor)
      const named = await stat(this.#path)
      if (this.#identity.ino !== named.ino || this.#identity.dev !== named.dev)
        throw new StorageVanishedError(this.#path)
    })
  }

  commit(): Promise<void> {
    return this.#run(async () => {
      if (this.#committed) return
      if (this.#replaces !== undefined) {
        // Before the rename, always: a name may never lead to fewer bytes than what it led to, whatever the power does.
        await syncData(this.#descriptor)
        await this.#takeName(this.#replaces)
      }
      this.#committed = true
    })
  }

  moveTo(root: string, relativePath: string): Promise<boolean> {
    const move = () => this.#move(root, relativePath)
    // Names need no descriptor.
    return this.#closing === undefined ? this.#run(move) : this.#closing.then(move)
  }

  async discard(): Promise<void> {
    const keep = this.#committed
    await this.close()
    if (keep) return
    try {
      await unlink(this.#path)
    } catch (error) {
      throw storageErrorFrom(error, this.#path)
    }
    this.#birth?.over()
    await syncDirectory(dirname(this.#path))
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue
      .run(() => closeDescriptor(this.#descriptor))
      .catch((error: unknown) => {
        throw storageErrorFrom(error, this.#path)
      })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #move(root: string, relativePath: string): Promise<boolean> {
    const path = await moveInRoot(root, this.#path, relativePath)
    if (path === undefined) return false
    this.#path = path
    this.#relativePath = relativePath
    // It has its name now, whatever it was to replace.
    this.#replaces = undefined
    return true
  }

  async #apply(changes: readonly Change[]): Promise<void> {
    const before = this.#sizeBytes
    try {
      for (let index = 0; index < changes.length; ) index = await this.#step(changes, index)
    } catch (error) {
      this.#sizeBytes = before
      // Best effort: what failed once (a full disk) may well fail here; the next append overwrites the torn tail anyway.
      await truncateTo(this.#descriptor, before).catch(() => {})
      throw error
    }
  }

  /** Makes one change, or a run of neighbouring appends in one write; returns the index of the next. */
  async #step(changes: readonly Change[], index: number): Promise<number> {
    const change = changes[index]
    if (change === undefined) return index + 1
    switch (change.kind) {
      case 'append': {
        const run = appendRun(changes, index)
        await this.#append(run.buffers)
        return run.next
      }
      case 'write': {
        const end = change.position + change.bytes.length
        if (change.position < 0 || end > this.#sizeBytes) {
          throw new PartChangeError(
            this.#path,
            `a write of bytes ${change.position} to ${end} past the end at ${this.#sizeBytes}`,
          )
        }
        await writeAt(this.#descriptor, change.bytes, change.position)
        return index + 1
      }
      case 'extend':
        if (change.toBytes < this.#sizeBytes) {
          throw new PartChangeError(
            this.#path,
            `an extension to ${change.toBytes}, shorter than ${this.#sizeBytes} bytes,`,
          )
        }
        await truncateTo(this.#descriptor, change.toBytes)
        this.#sizeBytes = change.toBytes
        return index + 1
    }
  }

  async #append(buffers: readonly Uint8Array[]): Promise<void> {
    let bytes = 0
    for (const buffer of buffers) bytes += buffer.length
    if (bytes === 0) return
    await writeAll(this.#descriptor, buffers, this.#sizeBytes)
    this.#sizeBytes += bytes
  }

  async #takeName(fileName: string): Promise<void> {
    const folder = dirname(this.#path)
    const path = join(folder, fileName)
    await rename(this.#path, path)
    this.#relativePath = this.#relativePath.slice(0, -basename(this.#path).length) + fileName
    this.#path = path
    this.#replaces = undefined
    await syncDirectory(folder)
  }

  /** @param turn reads may overlap: indexing a long part asks for hundreds of pieces at once */
  #run<Value>(job: () => Promise<Value>, turn: 'alone' | 'together' = 'alone'): Promise<Value> {
    if (this.#closing !== undefined) return Promise.reject(new PartClosedError(this.#path))
    const attempt = async () => {
      try {
        return await job()
      } catch (error) {
        throw storageErrorFrom(error, this.#path)
      }
    }
    return turn === 'alone' ? this.#queue.run(attempt) : this.#queue.runTogether(attempt)
  }
}

/** Buffers of the append at `index` and of those right after it. */
function appendRun(changes: readonly Change[], index: number): { buffers: readonly Uint8Array[]; next: number } {
  const first = changes[index]
  const second = changes[index + 1]
  if (first?.kind === 'append' && second?.kind !== 'append') return { buffers: first.buffers, next: index + 1 }
  const buffers: Uint8Array[] = []
  let next = index
  for (let change = changes[next]; change?.kind === 'append'; change = changes[++next]) buffers.push(...change.buffers)
  return { buffers, next }
}
