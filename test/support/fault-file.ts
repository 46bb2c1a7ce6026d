import type { Change } from '#containers/container.ts'
import { storageErrorFrom } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'

/** What goes wrong, changeable while the file is in use. Everything off: the wrapped file as it is. */
export interface Faults {
  /** Applies fail as if the system had answered this (`ENOSPC`, `EIO`, `EACCES`, `ESTALE`…). */
  failApply?: string | undefined
  /** Awaited before every sync. */
  beforeSync?: (() => Promise<void>) | undefined
  /** Syncs and commits fail so. */
  failSync?: string | undefined
  /** checkInPlace() fails so. */
  failInPlace?: string | undefined
  /** Applies that would make the file longer than this fail with ENOSPC. */
  capacityBytes?: number | undefined
  /** Awaited before every apply: a slow or a hanging disk. */
  beforeApply?: (() => Promise<void>) | undefined
}

/** A part on a disk that misbehaves on command. What fails isn't written at all, as after DiskPart's own roll-back. */
export class FaultFile implements PartFile {
  readonly faults: Faults
  readonly #inner: PartFile

  constructor(inner: PartFile, faults: Faults = {}) {
    this.#inner = inner
    this.faults = faults
  }

  get path(): string {
    return this.#inner.path
  }

  get relativePath(): string {
    return this.#inner.relativePath
  }

  get sizeBytes(): number {
    return this.#inner.sizeBytes
  }

  known(): void {
    this.#inner.known()
  }

  async apply(changes: readonly Change[]): Promise<void> {
    await this.faults.beforeApply?.()
    this.#fail(this.faults.failApply)
    const { capacityBytes } = this.faults
    if (capacityBytes !== undefined && this.sizeBytes + appendedBytes(changes) > capacityBytes) this.#fail('ENOSPC')
    await this.#inner.apply(changes)
  }

  truncate(toBytes: number): Promise<void> {
    return this.#inner.truncate(toBytes)
  }

  read(position: number, bytes: number): Promise<Uint8Array> {
    return this.#inner.read(position, bytes)
  }

  async sync(): Promise<void> {
    await this.faults.beforeSync?.()
    this.#fail(this.faults.failSync)
    await this.#inner.sync()
  }

  async checkInPlace(): Promise<void> {
    this.#fail(this.faults.failInPlace)
    await this.#inner.checkInPlace()
  }

  async commit(): Promise<void> {
    this.#fail(this.faults.failSync)
    await this.#inner.commit()
  }

  async moveTo(root: string, relativePath: string): Promise<boolean> {
    this.#fail(this.faults.failSync)
    return this.#inner.moveTo(root, relativePath)
  }

  discard(): Promise<void> {
    return this.#inner.discard()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #fail(code: string | undefined): void {
    if (code === undefined) return
    throw storageErrorFrom(Object.assign(new Error(`${code}: injected by the test`), { code }), this.path)
  }
}

function appendedBytes(changes: readonly Change[]): number {
  let bytes = 0
  for (const change of changes) if (change.kind === 'append') bytes += change.bytes
  return bytes
}
