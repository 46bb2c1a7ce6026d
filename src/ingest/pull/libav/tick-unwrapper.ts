/** MPEG-TS counts 90,000 ticks a second in 33 bits: 26.5 hours. ISO/IEC 13818-1 §2.4.3.7. */
const WRAP_TICKS = 2 ** 33
const WRAPPING_HZ = 90_000

/**
 * Times of one source that wrap → times that go on. libavformat undoes the first wrap only. Times at other rates than
 * MPEG-TS's, and smaller jumps, stay as they are.
 */
export class TickUnwrapper {
  #lastTicks: number | undefined
  #offsetTicks = 0

  /** What to add to the times of an access unit with this DTS. */
  offset(dts: number, timescale: number): number {
    if (timescale !== WRAPPING_HZ) return 0
    if (this.#lastTicks !== undefined) {
      const step = dts - this.#lastTicks
      if (step < -WRAP_TICKS / 2) this.#offsetTicks += WRAP_TICKS
      else if (step > WRAP_TICKS / 2) this.#offsetTicks -= WRAP_TICKS
    }
    this.#lastTicks = dts
    return this.#offsetTicks
  }
}
