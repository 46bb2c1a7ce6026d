/**
 * Decoding times for pictures of which only presentation times are known, in decoding order (RTP, RFC 6184 §5.1). A
 * stream that reorders up to `depth` pictures decodes its n-th picture when the n-th smallest presentation time, moved
 * back by `depth` pictures, comes: the smallest of the last `depth + 1`. Decoding times only ever grow, by one tick at
 * least, and never exceed the presentation time they belong to unless the source contradicts itself.
 */
export class DecodingTimes {
  readonly #window: number[] = []
  #depth: number
  #last = Number.NEGATIVE_INFINITY
  #lastPts = 0
  #frameTicks: number
  #count = 0

  /** @param depth pictures that may be reordered @param frameTicks a guess of a picture's duration, for the beginning */
  constructor(depth: number, frameTicks: number) {
    this.#depth = depth
    this.#frameTicks = frameTicks
  }

  /** The decoding time of the next picture, in the ticks of its presentation time. */
  next(pts: number): number {
    const window = this.#window
    if (this.#count > 0 && pts > this.#lastPts && this.#depth === 0) this.#frameTicks = pts - this.#lastPts
    this.#lastPts = pts
    let at = window.length
    window.push(pts)
    for (; at > 0 && (window[at - 1] ?? 0) > pts; at--) window[at] = window[at - 1] ?? 0
    window[at] = pts
    // Before enough pictures have come, those that would be before the first are imagined at its distance.
    const imagined = this.#depth - this.#count
    this.#count++
    let dts = imagined > 0 ? (window[0] ?? pts) - imagined * this.#frameTicks : (window[0] ?? pts)
    if (imagined <= 0) window.shift()
    if (dts <= this.#last) dts = this.#last + 1
    this.#last = dts
    return dts
  }
}
