const MAX_DELAY_MS = 1_000
/** Packets that waited as long as ever so far are to come this much before they are due. */
const MARGIN_MS = 60
/** A delay no longer needed gets shorter by this much a second: by stretching, which nobody hears. */
const RELAX_MS = 4

const BUCKET_MS = 1_000
/** Drifts show within so many buckets. */
const BUCKETS = 16
/** A whole bucket later than this is no jitter: the source has paused. */
const PAUSE_MS = 300
/** A clock that steps back further than this was set. */
const STEP_BACK_MS = 1_000

interface Bucket {
  readonly index: number
  leastLagMs: number
  mostExcessMs: number
}

/**
 * Where a source's times lie in the composition. What came with the least delay tells best when it was made; what came
 * with the most, how long everything has to wait so that nothing comes too late.
 */
export class SourceClock {
  #buckets: Bucket[] = []
  #offsetMs = 0
  readonly #minDelayMs: number
  #delayMs: number
  #lastMs = Number.NEGATIVE_INFINITY

  /** @param minDelayMs what everything waits at least: packets are gathered before they are sent here */
  constructor(minDelayMs: number) {
    this.#minDelayMs = minDelayMs
    this.#delayMs = minDelayMs
  }

  /** When in the composition a moment of the source is due. */
  dueMs(sourceMs: number): number {
    return sourceMs + this.#offsetMs + this.#delayMs
  }

  get delayMs(): number {
    return this.#delayMs
  }

  /**
   * Something has come.
   * @param sourceMs decoding time: in the order of coming
   * @param isRemembered it had come before `arrivedMs`, nobody knows when
   */
  arrived(sourceMs: number, arrivedMs: number, isRemembered: boolean): void {
    const lagMs = arrivedMs - sourceMs
    if (sourceMs < this.#lastMs - STEP_BACK_MS) this.#buckets = []
    this.#lastMs = sourceMs
    const index = Math.floor(arrivedMs / BUCKET_MS)
    let bucket = this.#buckets.at(-1)
    if (bucket === undefined || index > bucket.index) {
      if (bucket !== undefined) this.#closed(bucket)
      bucket = { index, leastLagMs: lagMs, mostExcessMs: 0 }
      this.#buckets.push(bucket)
      if (this.#buckets.length > BUCKETS) this.#buckets.shift()
    }
    bucket.leastLagMs = Math.min(bucket.leastLagMs, lagMs)
    this.#offsetMs = this.#buckets.reduce((least, { leastLagMs }) => Math.min(least, leastLagMs), Infinity)
    const excessMs = lagMs - this.#offsetMs
    if (isRemembered || excessMs > MAX_DELAY_MS) return
    bucket.mostExcessMs = Math.max(bucket.mostExcessMs, excessMs)
    const neededMs = Math.min(MAX_DELAY_MS, excessMs + MARGIN_MS)
    if (neededMs > this.#delayMs) this.#delayMs = neededMs
  }

  #closed(bucket: Bucket): void {
    if (bucket.leastLagMs - this.#offsetMs > PAUSE_MS) this.#buckets = [bucket]
    const most = this.#buckets.reduce((excess, { mostExcessMs }) => Math.max(excess, mostExcessMs), 0)
    const neededMs = Math.max(this.#minDelayMs, most + MARGIN_MS)
    if (neededMs < this.#delayMs) this.#delayMs = Math.max(neededMs, this.#delayMs - RELAX_MS)
  }
}
