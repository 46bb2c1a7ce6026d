const NOTHING = new Uint8Array(0)

/** Granule for video. A GOP of 2.5 Mbit/s fills about ten; the unused end of one is all a track wastes. */
export const CHUNK_BYTES = 64 * 1024

/** Granule for tracks of small access units: a second of 128 kbit/s audio. */
const SMALL_CHUNK_BYTES = 16 * 1024

/** Access units up to this size go into small chunks, which then hold at least eight. */
const SMALL_PAYLOAD_BYTES = 2 * 1024

/** Chunks larger than this hold one access unit and go back to the allocator when it is gone. */
const MAX_POOLED_BYTES = 1024 * 1024

/** Kept for reuse beyond what is in use. More than this goes back to the allocator. */
const MAX_IDLE_BYTES = 32 * 1024 * 1024

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
  /** Idle chunks by size, a power of two. */
  readonly #idle = new Map<number, Chunk[]>()
  #idleBytes = 0
  #inUseBytes = 0

  /** Bytes handed out and not yet returned. */
  get inUseBytes(): number {
    return this.#inUseBytes
  }

  /** A chunk with room for at least this much; a larger idle one rather than a new one of the right size. */
  take(minimumBytes: number): Chunk {
    const rightBytes = chunkBytesFor(minimumBytes)
    for (let bytes = rightBytes; bytes <= MAX_POOLED_BYTES; bytes *= 2) {
      const idle = this.#idle.get(bytes)?.pop()
      if (idle === undefined) continue
      this.#idleBytes -= bytes
      this.#inUseBytes += bytes
      return idle.revive()
    }
    this.#inUseBytes += rightBytes
    return new Chunk(this, new Uint8Array(rightBytes))
  }

  /** Takes a chunk back whose last reference is gone. Chunks call this themselves. */
  recycle(chunk: Chunk): void {
    const bytes = chunk.bytes.length
    this.#inUseBytes -= bytes
    if (bytes > MAX_POOLED_BYTES || this.#idleBytes + bytes > MAX_IDLE_BYTES) return
    this.#idleBytes += bytes
    const idle = this.#idle.get(bytes)
    if (idle === undefined) this.#idle.set(bytes, [chunk])
    else idle.push(chunk)
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

  /**
   * For a payload whose length shows only at its end: makes room for `moreBytes` behind the `openBytes` written since the
   * last commit, which move along when they have to. Write at `openStart + openBytes` of `openMemory`.
   */
  grow(openBytes: number, moreBytes: number): void {
    const chunk = this.#chunk
    const wanted = openBytes + moreBytes
    if (chunk !== undefined && this.#usedBytes + wanted <= chunk.bytes.length) return
    // Twice the room, so that a long payload moves a few times only.
    const next = this.#memory.take(openBytes === 0 ? moreBytes : 2 * wanted)
    if (chunk !== undefined && openBytes > 0) {
      next.bytes.set(chunk.bytes.subarray(this.#usedBytes, this.#usedBytes + openBytes))
    }
    chunk?.release()
    this.#chunk = next
    this.#usedBytes = 0
  }

  /** Where the open payload lies; valid until the next call of grow(). */
  get openMemory(): Uint8Array {
    return this.#chunk?.bytes ?? NOTHING
  }

  get openStart(): number {
    return this.#usedBytes
  }

  /** The open payload is complete. */
  commit(openBytes: number): Reservation {
    this.grow(openBytes, 0)
    return this.reserve(openBytes)
  }

  [Symbol.dispose](): void {
    this.#chunk?.release()
    this.#chunk = undefined
  }
}

function chunkBytesFor(payloadBytes: number): number {
  if (payloadBytes <= SMALL_PAYLOAD_BYTES) return SMALL_CHUNK_BYTES
  if (payloadBytes <= CHUNK_BYTES) return CHUNK_BYTES
  if (payloadBytes > MAX_POOLED_BYTES) return payloadBytes
  return 2 ** Math.ceil(Math.log2(payloadBytes))
}
