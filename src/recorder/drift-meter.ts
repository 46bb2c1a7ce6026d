/** The quickest access unit of such a stretch of the recording is looked at: the others waited somewhere. */
const STRETCH_MS = 10_000
/** Less says nothing: what a network or a processor delays is more than what a clock drifts. */
const LEAST_SPAN_MS = 300_000
/** Clocks are better than that: whatever it is, it is none. */
const MAX_DRIFT = 0.001

/**
 * How much slower a publisher's clock runs than ours, by when its access units arrive: a line through the quickest of
 * each stretch. Runs of that clock count together, whatever lies between them.
 */
export class DriftMeter {
  #trackId = 0
  /** Of the present stretch. */
  #endsMs = Number.NEGATIVE_INFINITY
  #leastLateMs = Number.POSITIVE_INFINITY
  #leastAtMs = 0
  /** Of the present run: its first point, and sums over all, counted from that. */
  #fromMs = 0
  #fromLateMs = 0
  #points = 0
  #sumX = 0
  #sumY = 0
  #sumXX = 0
  #sumXY = 0
  #spanMs = 0
  /** Of the runs before. */
  #formerXX = 0
  #formerXY = 0
  #formerSpanMs = 0

  /** One track alone: those of one publisher come at different times. @param atMs where it lies in the recording */
  arrived(trackId: number, atMs: number, nowMs: number): void {
    const lateMs = nowMs - atMs
    if (trackId !== this.#trackId) {
      this.interrupted()
      this.#trackId = trackId
    }
    if (atMs >= this.#endsMs) {
      this.#close()
      this.#endsMs = atMs + STRETCH_MS
    }
    if (lateMs < this.#leastLateMs) {
      this.#leastLateMs = lateMs
      this.#leastAtMs = atMs
    }
  }

  /** What comes has nothing to do with what came: another connection, a clock that was set. */
  interrupted(): void {
    this.#close()
    this.#endsMs = Number.NEGATIVE_INFINITY
    this.#formerXX += this.#xx
    this.#formerXY += this.#xy
    this.#formerSpanMs += this.#spanMs
    this.#points = 0
    this.#sumX = 0
    this.#sumY = 0
    this.#sumXX = 0
    this.#sumXY = 0
    this.#spanMs = 0
  }

  /** Of a second of the publisher, so many microseconds more pass here; undefined while nobody can know. */
  get ppm(): number | undefined {
    const xx = this.#formerXX + this.#xx
    if (this.#formerSpanMs + this.#spanMs < LEAST_SPAN_MS || xx === 0) return undefined
    const drift = (this.#formerXY + this.#xy) / xx
    return Math.abs(drift) > MAX_DRIFT ? undefined : Math.round(drift * 1e7) / 10
  }

  get #xx(): number {
    return this.#points === 0 ? 0 : this.#sumXX - (this.#sumX * this.#sumX) / this.#points
  }

  get #xy(): number {
    return this.#points === 0 ? 0 : this.#sumXY - (this.#sumX * this.#sumY) / this.#points
  }

  #close(): void {
    if (this.#leastLateMs === Number.POSITIVE_INFINITY) return
    if (this.#points === 0) {
      this.#fromMs = this.#leastAtMs
      this.#fromLateMs = this.#leastLateMs
    }
    const x = this.#leastAtMs - this.#fromMs
    const y = this.#leastLateMs - this.#fromLateMs
    this.#points++
    this.#sumX += x
    this.#sumY += y
    this.#sumXX += x * x
    this.#sumXY += x * y
    this.#spanMs = x
    this.#leastLateMs = Number.POSITIVE_INFINITY
  }
}
