const INITIAL_BYTES = 64

/** A table under construction: big-endian fields appended to memory that doubles when it is full. */
export class GrowingBytes {
  #bytes = new Uint8Array(INITIAL_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Also for negative values, which are stored in two's complement. */
  pushUint32(value: number): void {
    if (this.#length + 4 > this.#bytes.length) this.#grow()
    this.#view.setUint32(this.#length, value)
    this.#length += 4
  }

  pushUint64(value: number): void {
    this.pushUint32(Math.floor(value / 0x1_0000_0000))
    this.pushUint32(value % 0x1_0000_0000)
  }

  /** A copy of the content; the memory is kept for what comes next. */
  take(): Uint8Array {
    const content = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return content
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#bytes.length)
    bytes.set(this.#bytes)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}
