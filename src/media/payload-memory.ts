/** Granule of the pools. A GOP of 2.5 Mbit/s fills about ten; the unused end of one is all a track wastes. */
export const CHUNK_BYTES = 64 * 1024

/** Chunks kept for reuse beyond what is in use. More than this goes back to the allocator. */
const MAX_IDLE_CHUNKS = 1024

/** One piece of pooled memory with a count of the access units (and arenas) that still need it. */
export class Chunk {
  readonly bytes: Uint8Array
  readonly #memory: PayloadMemory
  #references = 1

  constructor(memory: PayloadMemory, bytes: Uint8Array) {
    this.#memory = memory
    this.bytes = bytes
  }

  retain(): void {
    this.#references++
  }

  release(): void {
    if (--this.#references === 0) this.#memory.recycle(this)
  }

  /** Called by the pool only, when the chunk is handed out again. */
  revive(): this {
    this.#references = 1
    return this
  }
}

/**
 * Owns the memory behind payloads. Garbage collection alone would keep tens of megabytes of dead media around
 * (payloads outlive the young generation), so chunks are counted and reused.
 */
export class PayloadMemory {
  readonly #idle: Chunk[] = []
  #inUseBytes = 0

  /** Bytes handed out and not yet returned. */
  get inUseBytes(): number {
    return this.#inUseBytes
  }

  take(minimumBytes: number): Chunk {
    if (minimumBytes > CHUNK_BYTES) {
      this.#inUseBytes += minimumBytes
      return new Chunk(this, new Uint8Array(minimumBytes))
    }
    this.#inUseBytes += CHUNK_BYTES
    return this.#idle.pop()?.revive() ?? new Chunk(this, new Uint8Array(CHUNK_BYTES))
  }

  /** Takes a chunk back whose last reference is gone. Chunks call this themselves. */
  recycle(chunk: Chunk): void {
    this.#inUseBytes -= chunk.bytes.length
    if (chunk.bytes.length === CHUNK_BYTES && this.#idle.length < MAX_IDLE_CHUNKS) this.#idle.push(chunk)
  }

  arena(): PayloadArena {
    return new PayloadArena(this)
  }
}

/** A reserved place for one payload. Fill `bytes`, then make an AccessUnit from it (which takes the reference over). */
export class Reservation {
  readonly chunk: Chunk
  readonly start: number
  readonly payloadBytes: number

  constructor(chunk: Chunk, start: number, payloadBytes: number) {
    this.chunk = chunk
    this.start = start
    this.payloadBytes = payloadBytes
  }

  /** A new view each time. */
  get bytes(): Uint8Array {
    return this.chunk.bytes.subarray(this.start, this.start + this.payloadBytes)
  }
}

/**
 * Hands out consecutive places for the payloads of ONE track, so that neighbours in time are neighbours in memory and
 * a writer can gather many of them in one piece.
 */
export class PayloadArena implements Disposable {
  readonly #memory: PayloadMemory
  #chunk: Chunk | undefined
  #usedBytes = 0

  constructor(memory: PayloadMemory) {
    this.#memory = memory
  }

  reserve(bytes: number): Reservation {
    let chunk = this.#chunk
    if (chunk === undefined || this.#usedBytes + bytes > chunk.bytes.length) {
      chunk?.release()
      chunk = this.#memory.take(bytes)
      this.#chunk = chunk
      this.#usedBytes = 0
    }
    const start = this.#usedBytes
    this.#usedBytes += bytes
    chunk.retain()
    return new Reservation(chunk, start, bytes)
  }

  [Symbol.dispose](): void {
    this.#chunk?.release()
    this.#chunk = undefined
  }
}
