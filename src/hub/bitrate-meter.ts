/** How long a measurement window lasts. */
const WINDOW_MS = 2_000

/** Bits per second over the last whole window. Costs two additions a call. */
export class BitrateMeter {
  readonly #monotonicMs: () => number
  #windowStartMs: number
  #windowBytes = 0
  #bitsPerSecond = 0
  #calls = 0

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
    this.#windowStartMs = monotonicMs()
  }

  add(bytes: number): void {
    this.#windowBytes += bytes
    if ((++this.#calls & 15) === 0) this.#roll()
  }

  get bitsPerSecond(): number {
    this.#roll()
    return this.#bitsPerSecond
  }

  #roll(): void {
    const nowMs = this.#monotonicMs()
    const elapsedMs = nowMs - this.#windowStartMs
    if (elapsedMs < WINDOW_MS) return
    this.#bitsPerSecond = Math.round((this.#windowBytes * 8000) / elapsedMs)
    this.#windowBytes = 0
    this.#windowStartMs = nowMs
  }
}
