import { setTimeout as sleep } from 'node:timers/promises'

/** Media may run ahead of the clock by this much: an HLS source hands out its first segments at once. */
const MAX_AHEAD_MS = 3_000

/** A source whose clock runs fast must not be held back further and further: so much of real time is let through. */
const RATE = 1.001

/** Larger steps than these are jumps of the source's clock: what follows is due now. */
const MAX_STEP_BACK_MS = 2_000
const MAX_STEP_MS = 10_000

/** Holds media back that is further ahead of the clock than it may be: who records never slows a source down. */
export class Pace {
  readonly #signal: AbortSignal
  readonly #nowMs: () => number
  #startedMs = 0
  #firstMs: number | undefined
  #lastMs = 0

  constructor(signal: AbortSignal, nowMs: () => number) {
    this.#signal = signal
    this.#nowMs = nowMs
  }

  /** How long media with this decode time is to wait. */
  aheadMs(mediaMs: number): number {
    if (this.#firstMs === undefined) {
      this.#firstMs = mediaMs
      this.#startedMs = this.#nowMs()
    } else {
      const stepMs = mediaMs - this.#lastMs
      if (stepMs < -MAX_STEP_BACK_MS || stepMs > MAX_STEP_MS) this.#firstMs += stepMs
    }
    this.#lastMs = mediaMs
    return mediaMs - this.#firstMs - RATE * (this.#nowMs() - this.#startedMs) - MAX_AHEAD_MS
  }

  /** Resolves when media with this decode time may go out, or at once when the signal is aborted. */
  async wait(mediaMs: number): Promise<void> {
    const aheadMs = this.aheadMs(mediaMs)
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal: this.#signal }).catch(() => {})
  }
}
