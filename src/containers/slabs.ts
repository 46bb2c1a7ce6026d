import { copyInto } from '#media/bytes.ts'

/** Payloads up to this size are copied between their headers: cheaper for the kernel than one more piece of a write. */
const COPY_BYTES = 1024

export interface SlabSizes {
  readonly slabBytes: number
  /** Slabs kept for another batch. More were needed once, by a burst; the collector takes them. */
  readonly maxIdle: number
}

/** For headers and small payloads of about a second. */
const BESIDE_PAYLOADS: SlabSizes = { slabBytes: 32 * 1024, maxIdle: 2 }

/**
 * Collects bytes as a list of buffers: large payloads as they lie in memory, everything around them in slabs that are
 * used again from batch to batch, so that a writer in steady state allocates nothing for media.
 */
export class Slabs {
  readonly #slabBytes: number
  readonly #maxIdle: number
  #slab: Uint8Array
  #usedBytes = 0
  #sliceStart = 0
  #buffers: Uint8Array[] = []
  /** Of `#buffers`. */
  #closedBytes = 0
  #filled: Uint8Array[] = []
  #lent: Uint8Array[] = []
  readonly #idle: Uint8Array[] = []

  constructor({ slabBytes, maxIdle } = BESIDE_PAYLOADS) {
    this.#slabBytes = slabBytes
    this.#maxIdle = maxIdle
    this.#slab = new Uint8Array(slabBytes)
  }

  /** Bytes since the last take. */
  get pendingBytes(): number {
    return this.#closedBytes + this.#usedBytes - this.#sliceStart
  }

  /** What `reserve` has pointed into: ask again after each. */
  get memory(): Uint8Array {
    return this.#slab
  }

  /** Room for so many bytes, no more than a slab's; where they begin in `memory`. What was there before still is. */
  reserve(bytes: number): number {
    if (this.#usedBytes + bytes > this.#slabBytes) {
      this.#closeSlice()
      this.#filled.push(this.#slab)
      this.#nextSlab()
    }
    const at = this.#usedBytes
    this.#usedBytes += bytes
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
    this.#closedBytes += bytes
  }

  /** Everything since the last take, in order. Valid until the next take. */
  take(): Uint8Array[] {
    this.#closeSlice()
    for (const slab of this.#lent) if (this.#idle.length < this.#maxIdle) this.#idle.push(slab)
    this.#lent = this.#filled
    this.#lent.push(this.#slab)
    this.#filled = []
    this.#nextSlab()
    const buffers = this.#buffers
    this.#buffers = []
    this.#closedBytes = 0
    return buffers
  }

  #closeSlice(): void {
    if (this.#usedBytes === this.#sliceStart) return
    this.#buffers.push(this.#slab.subarray(this.#sliceStart, this.#usedBytes))
    this.#closedBytes += this.#usedBytes - this.#sliceStart
    this.#sliceStart = this.#usedBytes
  }

  #nextSlab(): void {
    this.#slab = this.#idle.pop() ?? new Uint8Array(this.#slabBytes)
    this.#usedBytes = 0
    this.#sliceStart = 0
  }
}
