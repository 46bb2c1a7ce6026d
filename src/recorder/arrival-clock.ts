/**
 * The wall clock when what a recording takes arrived, as well as it is known: what the hub remembers arrived before the
 * recording was asked for.
 */
export class ArrivalClock {
  /** Where on the timeline the access unit it begins with lies: 0, or the end of what an appended file holds. */
  zeroMs = 0
  readonly #nowMs: () => number
  readonly #positionMs: () => number
  #beganAtMs: number | undefined
  /** Takes what the hub remembers. */
  #isCatchingUp = false

  /** @param positionMs how far the timeline has come; asked only while the recording catches up */
  constructor(nowMs: () => number, positionMs: () => number) {
    this.#nowMs = nowMs
    this.#positionMs = positionMs
  }

  /** What is being taken arrived in the past. */
  get isCatchingUp(): boolean {
    return this.#isCatchingUp
  }

  /** When the access unit it begins with arrived, if that was before it was asked for. */
  get beganAtMs(): number | undefined {
    return this.#beganAtMs
  }

  /** The access unit it begins with arrived so long ago. */
  began(ageMs: number): void {
    // Whole milliseconds: what is written of it in one place must not be rounded otherwise in the next.
    this.#beganAtMs = Math.round(this.#nowMs() - ageMs)
  }

  /** It goes on with another connection: when it began says nothing of what comes now. */
  goesOn(): void {
    this.#beganAtMs = undefined
  }

  /** What is taken during the call arrived in the past. */
  catchUp(take: () => void): void {
    const before = this.#isCatchingUp
    this.#isCatchingUp = true
    try {
      take()
    } finally {
      this.#isCatchingUp = before
    }
  }

  /** When what is just being taken arrived. */
  nowMs(): number {
    const nowMs = this.#nowMs()
    if (!this.#isCatchingUp || this.#beganAtMs === undefined) return nowMs
    return Math.min(nowMs, this.#beganAtMs + this.#positionMs() - this.zeroMs)
  }
}
