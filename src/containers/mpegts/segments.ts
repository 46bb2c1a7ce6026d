/**
 * A byte string in pieces that lie elsewhere. Reused from one access unit to the next, so that framing a payload
 * allocates nothing.
 */
export class Segments {
  readonly #sources: Uint8Array[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  #count = 0
  #bytes = 0

  /** Pieces added since clear. */
  get count(): number {
    return this.#count
  }

  /** Their bytes in total. */
  get bytes(): number {
    return this.#bytes
  }

  clear(): void {
    // The sources stay referenced until overwritten: at most one access unit's, and its memory is counted elsewhere.
    this.#count = 0
    this.#bytes = 0
  }

  add(source: Uint8Array, start = 0, end: number = source.length): void {
    this.#sources[this.#count] = source
    this.#starts[this.#count] = start
    this.#ends[this.#count] = end
    this.#count++
    this.#bytes += end - start
  }

  /** Reads what was added, front to back; good until the next clear. */
  reader(): SegmentReader {
    return new SegmentReader(this.#sources, this.#starts, this.#ends)
  }
}

/** Reads the pieces front to back, once. */
export class SegmentReader {
  readonly #sources: readonly Uint8Array[]
  readonly #starts: readonly number[]
  readonly #ends: readonly number[]
  #index = 0
  #position: number

  constructor(sources: readonly Uint8Array[], starts: readonly number[], ends: readonly number[]) {
    this.#sources = sources
    this.#starts = starts
    this.#ends = ends
    this.#position = starts[0] ?? 0
  }

  /** Copies the next `bytes` to `target` at `at`. There must be that many left. */
  copy(target: Uint8Array, at: number, bytes: number): void {
    let to = at
    let left = bytes
    while (left > 0) {
      const source = this.#sources[this.#index]
      const end = this.#ends[this.#index] ?? 0
      if (source === undefined) throw new RangeError('read beyond the last segment')
      const count = Math.min(left, end - this.#position)
      if (count > 0) target.set(source.subarray(this.#position, this.#position + count), to)
      to += count
      left -= count
      this.#position += count
      if (this.#position === end) {
        this.#index++
        this.#position = this.#starts[this.#index] ?? 0
      }
    }
  }
}
