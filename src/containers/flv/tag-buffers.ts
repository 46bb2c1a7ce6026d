import { PREVIOUS_TAG_SIZE_BYTES, TAG_HEADER_BYTES, writePreviousTagSize, writeTagHeader } from './tag.ts'

/** Headers and small payloads of about a second. */
const SLAB_BYTES = 32 * 1024

/** Payloads up to this size are copied between their headers: cheaper for the kernel than one more piece of a write. */
const COPY_BYTES = 1024

/**
 * Collects tags as a list of buffers: large payloads as they lie in memory, everything around them in slabs of its own
 * that are reused from batch to batch.
 */
export class TagBuffers {
  #slab: Uint8Array = new Uint8Array(SLAB_BYTES)
  #usedBytes = 0
  #sliceStart = 0
  #buffers: Uint8Array[] = []
  #pendingBytes = 0
  #filled: Uint8Array[] = []
  #lent: Uint8Array[] = []
  readonly #idle: Uint8Array[] = []

  /** Bytes of all tags since the last take. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** A tag whose body is `header` followed by `payload`, which is borrowed until the batch is taken and written. */
  tag(type: number, timestampMs: number, header: Uint8Array, payload: Uint8Array): void {
    const bodyBytes = header.length + payload.length
    const at = this.#reserve(TAG_HEADER_BYTES + header.length)
    writeTagHeader(this.#slab, at, type, bodyBytes, timestampMs)
    this.#slab.set(header, at + TAG_HEADER_BYTES)
    this.raw(payload)
    const end = this.#reserve(PREVIOUS_TAG_SIZE_BYTES)
    writePreviousTagSize(this.#slab, end, bodyBytes)
  }

  /** Bytes that are not a tag, or whole tags made elsewhere. Not copied when large. */
  raw(bytes: Uint8Array): void {
    if (bytes.length > COPY_BYTES) {
      this.#borrow(bytes)
      return
    }
    const at = this.#reserve(bytes.length)
    this.#slab.set(bytes, at)
  }

  /** Everything since the last take, in order. Valid until the next take. */
  take(): Uint8Array[] {
    this.#closeSlice()
    for (const slab of this.#lent) if (this.#idle.length < 2) this.#idle.push(slab)
    this.#lent = [...this.#filled, this.#slab]
    this.#filled = []
    this.#nextSlab()
    const buffers = this.#buffers
    this.#buffers = []
    this.#pendingBytes = 0
    return buffers
  }

  /** Room in the present slab, which may be another one afterwards: name `#slab` only after this. */
  #reserve(bytes: number): number {
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

  #borrow(bytes: Uint8Array): void {
    this.#closeSlice()
    this.#buffers.push(bytes)
    this.#pendingBytes += bytes.length
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
