import type { AccessUnit } from '#media/access-unit.ts'

/**
 * Decides what a slow consumer still takes. Once something does not fit, everything is refused until the leading track
 * starts its next GOP and there is room for it again: a consumer never sees half a GOP's tail.
 */
export class GopGate {
  readonly #capacityBytes: number
  #skipping = false

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  get skipping(): boolean {
    return this.#skipping
  }

  /** Refuses everything until the next GOP, whatever the room: what was to come before it is gone (a failed write). */
  skipToNextGop(): void {
    this.#skipping = true
  }

  /** @param queuedBytes what the consumer holds unprocessed now */
  admits(accessUnit: AccessUnit, startsGop: boolean, queuedBytes: number): boolean {
    const fits = queuedBytes + accessUnit.payloadBytes <= this.#capacityBytes
    // Half the capacity must be free before we start again, or a consumer at its limit would get one access unit a GOP.
    if (this.#skipping && startsGop && queuedBytes <= this.#capacityBytes / 2) this.#skipping = false
    if (!this.#skipping && !fits) this.#skipping = true
    return !this.#skipping
  }
}
