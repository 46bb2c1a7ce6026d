import type { Change, PartBytes } from '#containers/container.ts'

/** A part in memory, with every change of it on record. */
export class MemoryPart implements PartBytes {
  #bytes: Uint8Array
  /** What apply was given since the part was made. */
  readonly applied: Change[] = []
  /** Bytes read since the part was made. */
  readBytes = 0

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#bytes = bytes.slice()
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  /** The content at this moment; copied. */
  get bytes(): Uint8Array {
    return this.#bytes.slice()
  }

  async read(position: number, bytes: number): Promise<Uint8Array> {
    const piece = this.#bytes.slice(position, position + bytes)
    this.readBytes += piece.length
    return piece
  }

  async apply(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      this.applied.push(change)
      if (change.kind === 'append') this.#append(change.buffers)
      else if (change.kind === 'extend') this.#append([new Uint8Array(change.toBytes - this.sizeBytes)])
      else this.#bytes.set(change.bytes, change.position)
    }
  }

  async truncate(toBytes: number): Promise<void> {
    this.#bytes = this.#bytes.slice(0, toBytes)
  }

  #append(buffers: readonly Uint8Array[]): void {
    const added = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    const whole = new Uint8Array(this.#bytes.length + added)
    whole.set(this.#bytes)
    let at = this.#bytes.length
    for (const buffer of buffers) {
      whole.set(buffer, at)
      at += buffer.length
    }
    this.#bytes = whole
  }
}
