/**
 * Announced and counted time further apart than this, on average, are drawn together: two clocks that drift apart, as
 * phones have. ITU-R BT.1359 puts the detectability of sound before picture at 45 ms; this stays under half of it.
 */
const MAX_DRIFT_MS = 20

/** A step back further than this is the publisher's new time, not jitter. */
const MAX_STEP_BACK_MS = 250

/** Least step forward taken as a gap, for codecs with very short access units; OBS and phones jitter by a few ms. */
const MIN_GAP_MS = 15

/** Access units over which the drift is averaged, so that jitter alone never moves the clock. About 0.7 s of AAC. */
const AVERAGED_ACCESS_UNITS = 32

/**
 * Gives audio its exact times back. RTMP rounds every timestamp to a millisecond, but consecutive access units follow
 * each other without a gap, so time is counted in samples from the first one, and the announced times only tell where
 * the count no longer holds: after a gap, or when the publisher's two clocks drift apart.
 *
 * The offset against the source is that of the first timestamp's rounding, at most half a millisecond.
 */
export class SampleClock {
  readonly #sampleRateHz: number
  #nextSample: number | undefined
  #drift = 0

  constructor(sampleRateHz: number) {
    this.#sampleRateHz = sampleRateHz
  }

  /**
   * The DTS of the access unit, in samples.
   * @param announcedMs its unwrapped timestamp, fractions allowed
   * @param samples how many samples it decodes to; 0 when unknown, then only the announced time counts
   */
  next(announcedMs: number, samples: number): number {
    const announced = (announcedMs * this.#sampleRateHz) / 1000
    if (samples === 0 || this.#nextSample === undefined) return this.#restart(announced, samples)
    const error = announced - this.#nextSample
    const gap = Math.max(0.9 * samples, this.#samplesOf(MIN_GAP_MS))
    if (error > gap || error < -this.#samplesOf(MAX_STEP_BACK_MS)) return this.#restart(announced, samples)
    this.#drift += (error - this.#drift) / AVERAGED_ACCESS_UNITS
    if (Math.abs(this.#drift) > this.#samplesOf(MAX_DRIFT_MS)) {
      // At most half an access unit at a time, so that the DTS keeps increasing.
      const correction = Math.round(Math.max(-samples / 2, Math.min(samples / 2, this.#drift)))
      this.#nextSample += correction
      this.#drift -= correction
    }
    const dts = this.#nextSample
    this.#nextSample += samples
    return dts
  }

  #restart(announced: number, samples: number): number {
    const dts = Math.round(announced)
    this.#nextSample = dts + samples
    this.#drift = 0
    return dts
  }

  #samplesOf(ms: number): number {
    return (ms * this.#sampleRateHz) / 1000
  }
}
