/** What it takes to ask a source for random access points. */
export interface RandomAccessAskerOptions {
  readonly monotonicMs: () => number
  /** Asks, once. */
  readonly send: () => void
  /** Whether asking now would do harm: it is put off then. */
  readonly mayBeComing?: (nowMs: number) => boolean
  /** Between two requests at least: each makes the source send a large picture. */
  readonly everyMs?: number
}

/** Asks for random access points: at most one a second goes out, and one that had to wait is not forgotten. */
export class RandomAccessAsker {
  readonly #options: RandomAccessAskerOptions
  #askedMs = Number.NEGATIVE_INFINITY
  #isWanted = false
  #asked = 0

  constructor(options: RandomAccessAskerOptions) {
    this.#options = options
  }

  /** Requests that went out. */
  get asked(): number {
    return this.#asked
  }

  /** At once, or as soon as it may. */
  ask(): void {
    this.#isWanted = true
    this.tick()
  }

  /** One came: what was wanted before is had. */
  came(): void {
    this.#isWanted = false
  }

  /** Sends what had to wait; call it every few tens of milliseconds. */
  tick(nowMs = this.#options.monotonicMs()): void {
    const { everyMs = 1_000, send, mayBeComing } = this.#options
    if (!this.#isWanted || nowMs - this.#askedMs < everyMs || mayBeComing?.(nowMs) === true) return
    this.#isWanted = false
    this.#askedMs = nowMs
    this.#asked++
    send()
  }
}
