/** The least of the values of the last while: of delays, the one with the least waiting in it. */
export class RecentLeast {
  readonly #spanMs: number
  #least = Number.POSITIVE_INFINITY
  /** Of the span before. */
  #before = Number.POSITIVE_INFINITY
  #sinceMs = Number.NEGATIVE_INFINITY

  /** @param spanMs a value counts for this long at least, and for twice as long at most */
  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  add(value: number, nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs
    if (passedMs >= this.#spanMs) {
      this.#before = passedMs < 2 * this.#spanMs ? this.#least : Number.POSITIVE_INFINITY
      this.#least = Number.POSITIVE_INFINITY
      this.#sinceMs = nowMs
    }
    if (value < this.#least) this.#least = value
  }

  /** Infinity before the first value. */
  get value(): number {
    return Math.min(this.#least, this.#before)
  }

  clear(): void {
    this.#least = Number.POSITIVE_INFINITY
    this.#before = Number.POSITIVE_INFINITY
    this.#sinceMs = Number.NEGATIVE_INFINITY
  }
}
