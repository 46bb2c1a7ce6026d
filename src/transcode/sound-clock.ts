/** More than this between where a block lies and where the one before ended is a gap, or an overlap: never a drift. */
const HARD_MS = 15

/** A source whose clock has drifted by this much is followed … */
const SOFT_MS = 3
/** … until it is this near again, … */
const NEAR_MS = 0.5
/** … by so much of the time: a twelfth of a semitone. */
const MAX_STRETCH = 0.005

/** Longest silence made of a gap. What is longer stays a hole between access units. */
const MAX_SILENCE_MS = 10_000

/** What to do with a block of sound so that what follows lies where its timestamps say. */
export interface Placing {
  /** The block begins something new, `at` this sample: what came before is finished first. */
  readonly restartAt: number | undefined
  /** Samples of silence before the block. */
  readonly silence: number
  /** Samples of its beginning that belong to a time that is over. */
  readonly drop: number
  /** Samples it is to be longer (or, negative, shorter). */
  readonly stretch: number
}

/**
 * Keeps decoded sound where its timestamps say it belongs, counted in samples of the output. A source's clock and the
 * number of its samples drift apart: small differences are taken up by stretching, which nobody hears; whole missing
 * packets become silence.
 */
export class SoundClock {
  readonly #rateHz: number
  /** Where the next sample goes; undefined before the first. */
  #next: number | undefined
  #isFollowing = false

  constructor(rateHz: number) {
    this.#rateHz = rateHz
  }

  /** Where the next sample would go if it followed without a gap; undefined before the first one. */
  get next(): number | undefined {
    return this.#next
  }

  /** What was put up to `at` is finished, padding included: nothing may come before it. */
  finished(at: number): void {
    this.#next = at
    this.#isFollowing = false
  }

  /**
   * @param position of the block's first sample as its timestamp says, fractions allowed; undefined when it has none
   * @param samples its length, at the rate of the output; fractions allowed
   */
  place(position: number | undefined, samples: number): Placing {
    const next = this.#next
    if (next === undefined) {
      const restartAt = Math.round(position ?? 0)
      this.#next = restartAt + samples
      return { restartAt, silence: 0, drop: 0, stretch: 0 }
    }
    const off = position === undefined ? 0 : position - next
    const offMs = (off * 1000) / this.#rateHz
    if (offMs > MAX_SILENCE_MS) {
      const restartAt = Math.round(next + off)
      this.#isFollowing = false
      this.#next = restartAt + samples
      return { restartAt, silence: 0, drop: 0, stretch: 0 }
    }
    if (offMs > HARD_MS) return this.#put(samples, { silence: Math.round(off) })
    if (offMs < -HARD_MS) return this.#put(samples, { drop: Math.min(Math.round(-off), Math.ceil(samples)) })
    if (Math.abs(offMs) < NEAR_MS) this.#isFollowing = false
    else if (Math.abs(offMs) > SOFT_MS) this.#isFollowing = true
    if (!this.#isFollowing) return this.#put(samples, {})
    const most = Math.max(1, Math.floor(samples * MAX_STRETCH))
    return this.#put(samples, { stretch: Math.sign(off) * Math.min(most, Math.ceil(Math.abs(off))) })
  }

  #put(samples: number, { silence = 0, drop = 0, stretch = 0 }: Partial<Placing>): Placing {
    this.#next = (this.#next ?? 0) + silence + Math.max(0, samples - drop) + stretch
    return { restartAt: undefined, silence, drop, stretch }
  }
}
