import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Media may run ahead of the clock by this much: an HLS source hands out its first segments at once, and files are
 * read as if they were live, since a recorder never slows its publisher down but loses what it can't take.
 */
const MAX_AHEAD_MS = 3_000

/** A longer wait can only come from a jump of the source's clock, which the recorder is to see as a gap. */
const MAX_WAIT_MS = 60_000

/** Holds media back that is further ahead of the clock than it may be. */
export class Pace {
  readonly #signal: AbortSignal
  #startedMs = 0
  #firstMs: number | undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Resolves when media with this decode time may go out, or at once when the signal is aborted. */
  async wait(mediaMs: number): Promise<void> {
    if (this.#firstMs === undefined) {
      this.#firstMs = mediaMs
      this.#startedMs = performance.now()
    }
    const aheadMs = mediaMs - this.#firstMs - (performance.now() - this.#startedMs) - MAX_AHEAD_MS
    if (aheadMs > 0 && aheadMs < MAX_WAIT_MS) await sleep(aheadMs, undefined, { signal: this.#signal }).catch(() => {})
  }
}
