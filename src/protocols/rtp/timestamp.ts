const MODULUS = 2 ** 32
const HALF = 2 ** 31

/** `to - from` of two 32-bit timestamps, as the shorter way round: -2^31 to 2^31 - 1. */
export function timestampDistance(from: number, to: number): number {
  return (to - from) | 0
}

/** Turns 32-bit timestamps into ones that never wrap, taking each as the nearest to the one before (RFC 3550 §5.1). */
export class TimestampUnwrapper {
  #last: number | undefined

  /** From the first one on, which stays as it is. Reordered ones (B-frames) may be smaller than the one before. */
  unwrap(timestamp: number): number {
    if (this.#last === undefined) {
      this.#last = timestamp
      return timestamp
    }
    const lastLow = this.#last - Math.floor(this.#last / MODULUS) * MODULUS
    let distance = timestamp - lastLow
    if (distance >= HALF) distance -= MODULUS
    else if (distance < -HALF) distance += MODULUS
    this.#last += distance
    return this.#last
  }
}
