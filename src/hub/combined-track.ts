import type { AccessUnit } from '#media/access-unit.ts'
import type { AccessUnitPool } from '#media/access-unit-pool.ts'
import type { TrackFormat } from '#media/track.ts'

/** Steps of a source's clock within one track that are taken as they are. */
const MAX_STEP_MS = 10_000
const MAX_STEP_BACK_MS = 1_000

/** A source after such a step whose times are still this close to now has merely paused. */
const MAX_OFF_MS = 10_000

/** Where a source's times lie in the combined stream; shared by its tracks, so that they stay together. */
export interface SourceClock {
  /** Added to a source's time, milliseconds. */
  offsetMs: number
  /** Present time of the combined stream. */
  readonly nowMs: () => number
}

/** One track of a source as a track of the combined stream, over all connections of the source. */
export class CombinedTrack {
  /** In the combined stream. */
  readonly id: number
  readonly #clock: SourceClock
  readonly #pool: AccessUnitPool
  #sourceFormat: TrackFormat | undefined
  #format: TrackFormat | undefined
  #offsetTicks = 0
  #lastInMs = Number.NaN
  #lastOutMs: number
  /** What the source remembers may lie before what the stream has had: skipped up to where decoding may begin. */
  #isEntering = true

  /** @param floorMs nothing may come at it or before: just before the beginning of the stream */
  constructor(id: number, clock: SourceClock, pool: AccessUnitPool, floorMs: number) {
    this.id = id
    this.#clock = clock
    this.#pool = pool
    this.#lastOutMs = floorMs
  }

  follows(format: TrackFormat): boolean {
    return this.#sourceFormat === format
  }

  /** The format under this track's own id; a new one for each of the source's. */
  follow(format: TrackFormat): TrackFormat {
    if (this.#format !== undefined && this.#sourceFormat === format) return this.#format
    this.#sourceFormat = format
    this.#format = { ...format, trackId: this.id }
    this.#offsetTicks = this.#ticks(format)
    return this.#format
  }

  /** The source comes again, perhaps with a clock that was placed anew. */
  enter(): void {
    this.#isEntering = true
    this.#lastInMs = Number.NaN
    if (this.#sourceFormat !== undefined) this.#offsetTicks = this.#ticks(this.#sourceFormat)
  }

  /** The format must have been followed. Undefined: the stream has been past it. The caller owns what it gets. */
  place(accessUnit: AccessUnit): AccessUnit | undefined {
    const format = this.#format
    const { timescale } = accessUnit.format
    if (format === undefined) return undefined
    const inMs = (accessUnit.dts * 1000) / timescale
    const stepMs = inMs - this.#lastInMs
    if (stepMs > MAX_STEP_MS || stepMs < -MAX_STEP_BACK_MS) this.#jumped(inMs, accessUnit.format)
    this.#lastInMs = inMs
    const outMs = inMs + (this.#offsetTicks * 1000) / timescale
    if (this.#isEntering) {
      if (outMs <= this.#lastOutMs || !accessUnit.isRandomAccess) return undefined
      this.#isEntering = false
    }
    if (outMs > this.#lastOutMs) this.#lastOutMs = outMs
    return this.#pool.share(accessUnit, format, this.#offsetTicks)
  }

  /** The source's clock was set: the first track to notice places it anew, the others follow. */
  #jumped(inMs: number, format: TrackFormat): void {
    const nowMs = this.#clock.nowMs()
    if (Math.abs(inMs + this.#clock.offsetMs - nowMs) > MAX_OFF_MS) this.#clock.offsetMs = nowMs - inMs
    this.#offsetTicks = this.#ticks(format)
  }

  #ticks({ timescale }: TrackFormat): number {
    return Math.round((this.#clock.offsetMs * timescale) / 1000)
  }
}
