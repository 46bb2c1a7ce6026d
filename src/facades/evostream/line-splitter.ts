const CR = 0x0d
const LF = 0x0a

/** Cuts a byte stream into lines at CR, LF or both, across pieces; what is longer than allowed stops it for good. */
export class LineSplitter {
  readonly #maxBytes: number
  #rest: Buffer = Buffer.alloc(0)
  #isTooLong = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get isTooLong(): boolean {
    return this.#isTooLong
  }

  /** The lines completed by these bytes, without their ends; empty ones are left out. */
  push(bytes: Buffer): string[] {
    const lines: string[] = []
    if (this.#isTooLong) return lines
    let start = 0
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== CR && bytes[i] !== LF) continue
      this.#take(bytes.subarray(start, i), lines)
      start = i + 1
    }
    this.#rest = Buffer.concat([this.#rest, bytes.subarray(start)])
    if (this.#rest.length >= this.#maxBytes) this.#isTooLong = true
    return lines
  }

  #take(end: Buffer, lines: string[]): void {
    const length = this.#rest.length + end.length
    if (length >= this.#maxBytes) this.#isTooLong = true
    if (length > 0 && !this.#isTooLong) lines.push(Buffer.concat([this.#rest, end]).toString('utf8'))
    this.#rest = Buffer.alloc(0)
  }
}
