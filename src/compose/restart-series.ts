/** Pauses before another process is started when one after the other ends. */
const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 10_000
/** A process that lived longer than this was no part of a series. */
const SERIES_MS = 60_000
/** A composition whose processes end so often in a series is given up. */
const MAX_SERIES = 8

/** What came last before so many crashes in a series is to blame. */
const MAX_CRASHES = 3

/** Counts composing processes that end one soon after the other, and says what follows from it. */
export class RestartSeries {
  #ends = 0
  #crashes = 0

  ended(livedMs: number, isCrash: boolean): void {
    if (livedMs > SERIES_MS) this.startOver()
    this.#ends++
    if (isCrash) this.#crashes++
  }

  /** Another one would end too. */
  get isHopeless(): boolean {
    return this.#ends > MAX_SERIES
  }

  /** The newest tile should leave: better one less in the picture than no picture. */
  get blamesNewest(): boolean {
    return this.#crashes >= MAX_CRASHES
  }

  /** Before the next process begins, milliseconds. */
  get pauseMs(): number {
    return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, this.#ends - 1))
  }

  /** What went wrong before counts no more. */
  startOver(): void {
    this.#ends = 0
    this.#crashes = 0
  }
}
