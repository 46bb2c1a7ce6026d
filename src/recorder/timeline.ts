import type { AccessUnit } from '#media/access-unit.ts'
import { rescale } from '#media/clock.ts'

/** A step back of less than this on one track is disorder, not a new clock: it is smoothed out. */
const DISORDER_MS = 1_000

/** Nothing from any track for this long on the publisher's clock is worth a line in the ledger. */
const NOTED_GAP_MS = 1_000

/** A step forward of more than this, on all tracks, is a jump of the publisher's clock: it is cut out. */
const JUMP_MS = 10_000

/** Clocks of different timescales meet to within a tick or two. */
const ROUNDING_MS = 1

/** Duration assumed for a track's first access unit when something has to follow it at once. */
const ASSUMED_DURATION_MS = 33

/** A discontinuity the timeline met, for the ledger. Positions are milliseconds of the recording. */
export interface TimelineGap {
  readonly fromMs: number
  readonly toMs: number
  /** Publisher time that is missing; 0 when the clock merely jumped. */
  readonly missingMs: number
}

/** Where an access unit lies in the recording, in ticks of its format's timescale. */
export interface RecordingTiming {
  readonly dts: number
  readonly pts: number
  /** Set when this access unit is the first after a discontinuity. */
  readonly gap: TimelineGap | undefined
}

/** One uninterrupted run of the publisher's clock: its times minus `offset` are the recording's. */
interface Epoch {
  /** Where it begins in the recording. */
  readonly fromMs: number
  readonly offsetTicks: number
  readonly offsetHz: number
  /** Furthest publisher time seen in this epoch, milliseconds. */
  latestInMs: number
}

interface TrackClock {
  epoch: Epoch
  offsetTicks: number
  timescale: number
  lastInTicks: number
  lastOutTicks: number
  durationTicks: number
}

/**
 * Turns a publisher's timestamps (which wrap, jump, restart) into the recording's: from zero, continuous, per track
 * strictly increasing in DTS. All tracks share each run of the publisher's clock (an epoch), so that a jump never
 * moves audio against video.
 */
export class Timeline {
  readonly #tracks = new Map<number, TrackClock>()
  readonly #startMs: number
  readonly #jumpMs: number
  #epoch: Epoch | undefined
  #formerEpoch: Epoch | undefined
  #latestEndMs: number
  #restarting = false
  #outageMs = 0

  /**
   * @param startMs where the first access unit lands: 0, or the end of what an appended file already holds
   * @param jumpMs a step forward of more than this, on all tracks, is a jump
   */
  constructor(startMs = 0, jumpMs = JUMP_MS) {
    this.#startMs = startMs
    this.#jumpMs = jumpMs
    this.#latestEndMs = startMs
  }

  /** End of the furthest access unit so far, milliseconds of the recording. */
  get endMs(): number {
    return this.#latestEndMs
  }

  /** Fixes which publisher time becomes the start position: the earliest of all tracks that begin together. */
  begin(zeroTicks: number, timescale: number): void {
    this.#epoch = this.#newEpoch(zeroTicks, timescale)
  }

  /** The publisher is a new connection: its clock has nothing to do with the last one's. */
  restart(outageMs: number): void {
    this.#restarting = true
    this.#outageMs = outageMs
  }

  /** Undefined for an access unit that lies before the start: a track's first ones, when the others began later. */
  map(accessUnit: AccessUnit): RecordingTiming | undefined {
    const { format, dts } = accessUnit
    const inMs = (dts * 1000) / format.timescale
    let gap: TimelineGap | undefined
    let epoch = this.#epoch
    let clock = this.#tracks.get(format.trackId)
    if (epoch === undefined || this.#restarting) {
      if (this.#restarting && epoch !== undefined) {
        gap = { fromMs: this.#latestEndMs, toMs: this.#latestEndMs, missingMs: this.#outageMs }
      }
      this.#restarting = false
      epoch = this.#newEpoch(dts, format.timescale)
      this.#epoch = epoch
    } else if (clock === undefined || clock.epoch !== epoch) {
      if (clock === undefined && this.#isBeforeStart(epoch, inMs)) return undefined
      // A track that is still on the old clock, or begins: old when it goes on where it was, else the newest.
      const stragglesMs =
        clock === undefined ? Number.POSITIVE_INFINITY : Math.abs(inMs - (clock.lastInTicks * 1000) / clock.timescale)
      if (clock !== undefined && stragglesMs < DISORDER_MS && Math.abs(inMs - epoch.latestInMs) > stragglesMs) {
        epoch = clock.epoch
      } else if (Math.abs(inMs - epoch.latestInMs) > this.#jumpMs) {
        gap = { fromMs: this.#latestEndMs, toMs: this.#latestEndMs, missingMs: 0 }
        epoch = this.#newEpoch(dts, format.timescale)
        this.#epoch = epoch
      }
    } else {
      const stepMs = inMs - (clock.lastInTicks * 1000) / clock.timescale
      const aheadMs = inMs - epoch.latestInMs
      if (stepMs < -DISORDER_MS || aheadMs > this.#jumpMs) {
        gap = { fromMs: this.#latestEndMs, toMs: this.#latestEndMs, missingMs: 0 }
        epoch = this.#newEpoch(dts, format.timescale)
        this.#epoch = epoch
      } else if (aheadMs > NOTED_GAP_MS) {
        const fromMs = this.#latestEndMs
        gap = { fromMs, toMs: fromMs + aheadMs, missingMs: aheadMs }
      }
    }
    if (clock === undefined || clock.epoch !== epoch || clock.timescale !== format.timescale) {
      clock = this.#moveTrack(format.trackId, clock, epoch, format.timescale)
    }
    return this.#place(clock, accessUnit, gap)
  }

  /** The track has a place in the recording. */
  has(trackId: number): boolean {
    return this.#tracks.has(trackId)
  }

  /** Where a time of the publisher lies in the recording; by the clock of the others when the track was never met. */
  positionMs(trackId: number, dts: number, timescale: number): number {
    const clock = this.#tracks.get(trackId)
    if (clock === undefined) return this.momentMs((dts * 1000) / timescale)
    if (clock.timescale !== timescale) return this.#latestEndMs
    return Math.max(0, ((dts - clock.offsetTicks) * 1000) / timescale)
  }

  /** Where a moment of the publisher's clock lies in the recording; the end of it when the clock tells nothing. */
  momentMs(timeMs: number): number {
    const epoch = this.#epoch
    if (epoch === undefined || this.#restarting || Math.abs(timeMs - epoch.latestInMs) > this.#jumpMs)
      return this.#latestEndMs
    return Math.max(this.#startMs, timeMs - (epoch.offsetTicks * 1000) / epoch.offsetHz)
  }

  /** What the publisher's clock said there; undefined before anything came. Of the last two runs of that clock only. */
  publisherMs(positionMs: number): number | undefined {
    const isFormer = this.#epoch !== undefined && positionMs < this.#epoch.fromMs
    const epoch = isFormer ? (this.#formerEpoch ?? this.#epoch) : this.#epoch
    return epoch === undefined ? undefined : positionMs + (epoch.offsetTicks * 1000) / epoch.offsetHz
  }

  #isBeforeStart(epoch: Epoch, inMs: number): boolean {
    const atMs = inMs - (epoch.offsetTicks * 1000) / epoch.offsetHz
    return atMs < this.#startMs - ROUNDING_MS && atMs > this.#startMs - this.#jumpMs
  }

  #place(clock: TrackClock, accessUnit: AccessUnit, gap: TimelineGap | undefined): RecordingTiming {
    const { timescale } = clock
    let dts = accessUnit.dts - clock.offsetTicks
    // A millisecond, because that is FLV's tick.
    if (dts <= clock.lastOutTicks) dts = clock.lastOutTicks + Math.ceil(timescale / 1000)
    else if (dts < 0) dts = 0
    const pts = Math.max(accessUnit.pts - clock.offsetTicks, dts)
    const step = dts - clock.lastOutTicks
    if (clock.lastOutTicks >= 0 && step * 1000 < NOTED_GAP_MS * timescale) clock.durationTicks = step
    clock.lastInTicks = accessUnit.dts
    clock.lastOutTicks = dts
    const inMs = (accessUnit.dts * 1000) / timescale
    if (inMs > clock.epoch.latestInMs) clock.epoch.latestInMs = inMs
    const endMs = ((dts + clock.durationTicks) * 1000) / timescale
    if (endMs > this.#latestEndMs) this.#latestEndMs = endMs
    return { dts, pts, gap }
  }

  #newEpoch(ticks: number, timescale: number): Epoch {
    const landing = Math.round((this.#latestEndMs * timescale) / 1000)
    this.#formerEpoch = this.#epoch
    return {
      fromMs: this.#latestEndMs,
      offsetTicks: ticks - landing,
      offsetHz: timescale,
      latestInMs: (ticks * 1000) / timescale,
    }
  }

  #moveTrack(trackId: number, before: TrackClock | undefined, epoch: Epoch, timescale: number): TrackClock {
    const clock: TrackClock = {
      epoch,
      offsetTicks: rescale(epoch.offsetTicks, epoch.offsetHz, timescale),
      timescale,
      lastInTicks: 0,
      lastOutTicks: before === undefined ? -1 : rescale(before.lastOutTicks, before.timescale, timescale),
      durationTicks:
        before === undefined
          ? Math.round((ASSUMED_DURATION_MS * timescale) / 1000)
          : rescale(before.durationTicks, before.timescale, timescale),
    }
    this.#tracks.set(trackId, clock)
    return clock
  }
}
