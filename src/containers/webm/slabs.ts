import { copyInto } from '#media/bytes.ts'

/** Headers and small payloads of about a second. */
const SLAB_BYTES = 32 * 1024

/** Payloads up to this size are copied between their headers: cheaper for the kernel than one more piece of a write. */
const COPY_BYTES = 1024

/**
 * Collects bytes as a list of buffers: large payloads as they lie in memory, everything around them in slabs that are
 * used again from batch to batch.
 */
export class Slabs {
  #slab: Uint8Array = new Uint8Array(SLAB_BYTES)
  #usedBytes = 0
  #sliceStart = 0
  #buffers: Uint8Array[] = []
  #pendingBytes = 0
  #filled: Uint8Array[] = []
  #lent: Uint8Array[] = []
  readonly #idle: Uint8Array[] = []

  /** Bytes since the last take. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Memory to write a header into, at `reserve`'s place: ask again after each reserve. */
  get memory(): Uint8Array {
    return this.#slab
  }

  /** Room for so many bytes, fewer than a slab's; where they begin in `memory`. */
  reserve(bytes: number): number {
    if (this.#usedBytes + bytes > SLAB_BYTES) {
      this.#closeSlice()
      this.#filled.push(this.#slab)
      this.#nextSlab()
    }
    const at = this.#usedBytes
    this.#usedBytes += bytes
    this.#pendingBytes += bytes
    return at
  }

  /** `source[start, start + bytes)`, borrowed until the batch is taken and written when it is large. */
  add(source: Uint8Array, start: number, bytes: number): void {
    if (bytes <= COPY_BYTES) {
      const at = this.reserve(bytes)
      copyInto(this.#slab, at, source, start, start + bytes)
      return
    }
    this.#closeSlice()
    this.#buffers.push(source.subarray(start, start + bytes))
    this.#pendingBytes += bytes
  }

  /** Everything since the last take, in order. Valid until the next take. */
  take(): Uint8Array[] {
    this.#closeSlice()
    for (const slab of this.#lent) if (this.#idle.length < 2) this.#idle.push(slab)
    this.#lent = this.#filled
    this.#lent.push(this.#slab)
    this.#filled = []
    this.#nextSlab()
    const buffers = this.#buffers
    this.#buffers = []
    this.#pendingBytes = 0
    return buffers
  }

  #closeSlice(): void {
    if (this.#usedBytes === this.#sliceStart) return
    this.#buffers.push(this.#slab.subarray(this.#sliceStart, this.#usedBytes))
    this.#sliceStart = this.#usedBytes
  }

  #nextSlab(): void {
    this.#slab = this.#idle.pop() ?? new Uint8Array(SLAB_BYTES)
    this.#usedBytes = 0
    this.#sliceStart = 0
  }
}
