import { copyInto } from '#media/bytes.ts'

/** More than any access unit or part of one that is put together here; what grows beyond is an attack on our memory. */
const MAX_BYTES = 16 * 1024 * 1024

/** Bytes of several packets that can be read only once they are together. The memory is used again. */
export class Scratch {
  #memory = new Uint8Array(2048)
  #length = 0
  #overflowed = false

  get length(): number {
    return this.#length
  }

  /** It became too large, and is not whole. */
  get overflowed(): boolean {
    return this.#overflowed
  }

  /** Borrowed until the next change. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length)
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start
    if (needed > MAX_BYTES) {
      this.#overflowed = true
      return
    }
    if (needed > this.#memory.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#memory.length))
      larger.set(this.bytes)
      this.#memory = larger
    }
    copyInto(this.#memory, this.#length, bytes, start, end)
    this.#length = needed
  }

  clear(): void {
    this.#length = 0
    this.#overflowed = false
  }
}
