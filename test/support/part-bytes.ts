import type { Change, PartBytes } from '#containers/container.ts'

/** A part in memory, with every change of it on record. */
export class MemoryPart implements PartBytes {
  #memory: Uint8Array
  #sizeBytes: number
  /** What apply was given since the part was made. */
  readonly applied: Change[] = []
  /** Bytes read since the part was made. */
  readBytes = 0

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#memory = bytes.slice()
    this.#sizeBytes = bytes.length
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The content at this moment; copied. */
  get bytes(): Uint8Array {
    return this.#memory.slice(0, this.#sizeBytes)
  }

  async read(position: number, bytes: number): Promise<Uint8Array> {
    const piece = this.#memory.slice(position, Math.min(position + bytes, this.#sizeBytes))
    this.readBytes += piece.length
    return piece
  }

  async apply(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      this.applied.push(change)
      if (change.kind === 'append') this.#append(change.buffers)
      else if (change.kind === 'extend') this.#append([new Uint8Array(change.toBytes - this.sizeBytes)])
      else this.#memory.set(change.bytes, change.position)
    }
  }

  async truncate(toBytes: number): Promise<void> {
    this.#sizeBytes = toBytes
  }

  #append(buffers: readonly Uint8Array[]): void {
    for (const buffer of buffers) {
      const end = this.#sizeBytes + buffer.length
      if (end > this.#memory.length) {
        const grown = new Uint8Array(Math.max(end, this.#memory.length * 2))
        grown.set(this.#memory.subarray(0, this.#sizeBytes))
        this.#memory = grown
      }
      this.#memory.set(buffer, this.#sizeBytes)
      this.#sizeBytes = end
    }
  }
}
