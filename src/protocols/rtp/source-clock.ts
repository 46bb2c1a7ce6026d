import type { SenderReport } from './rtcp.ts'
import { TimestampUnwrapper, timestampDistance } from './timestamp.ts'

/** A track's time is moved towards what the source's reports say by this much of the time that passes: inaudibly. */
const SLEW = 0.01
/** … and faster while it is visibly off, which only happens right after the beginning. */
const FAST_SLEW = 0.05
const VISIBLE_MS = 45
/** Pictures may be moved faster: nobody sees that one is shown for a little longer. */
const PICTURE_SLEW = 0.2
const PICTURE_VISIBLE_MS = 10

/** Reports that contradict the arrival of the packets by more than this are of a clock that has nothing to do with them. */
const MAX_REPORTED_OFFSET_MS = 5_000

/** A timestamp this far from where its arrival puts it begins a new count: the source has restarted. */
const MAX_JUMP_MS = 10_000
/** … and one this far before the latest, too: pictures are reordered by less. */
const MAX_BACK_MS = 2_000

/**
 * Sound that was away for longer than its timestamps say, while other tracks never paused for so long: its clock stood
 * still. Browsers do that to a microphone that is taken away and given back.
 */
const MAX_PAUSE_MS = 500

/** Without reports, a track's clock is compared with ours over windows as long as this, by their quickest packets. */
const WINDOW_MS = 20_000
const NOTICEABLE_DRIFT_MS = 20

/**
 * The common time of the tracks of one source. RTP clocks of different tracks begin anywhere and run at slightly
 * different speeds; sender reports tie each to the source's wall clock (RFC 3550 §6.4.1). Zero is the arrival of the
 * source's first packet. What a report moves is moved gradually, so that no time ever goes backwards.
 */
export class SourceClock {
  #zeroMs: number | undefined
  #wallClockAtZeroMs: number | undefined
  #soundHasReported = false
  readonly #pictures: TrackClock[] = []
  readonly #tracks: TrackClock[] = []

  /** @param kind where both have to be moved to each other, the pictures are, once the sound has reported */
  track(clockRateHz: number, kind: 'video' | 'audio' = 'audio'): TrackClock {
    const track = new TrackClock(this, clockRateHz, kind === 'video')
    if (kind === 'video') this.#pictures.push(track)
    this.#tracks.push(track)
    return track
  }

  /** The source's wall clock at zero, milliseconds since 1970 UTC; undefined until a report told. */
  get wallClockAtZeroMs(): number | undefined {
    return this.#wallClockAtZeroMs
  }

  /** The source's wall clock so many milliseconds after zero, since 1970 UTC; undefined until a report told. */
  wallClockMs(mediaMs: number): number | undefined {
    return this.#wallClockAtZeroMs === undefined ? undefined : this.#wallClockAtZeroMs + mediaMs
  }

  /** Milliseconds from zero. The first call makes zero. */
  sinceZero(arrivalMs: number): number {
    this.#zeroMs ??= arrivalMs
    return arrivalMs - this.#zeroMs
  }

  /** Milliseconds from zero of a moment of the source's wall clock; the first report is right by definition. */
  placed(wallClockMs: number, mediaMs: number): number {
    this.#wallClockAtZeroMs ??= wallClockMs - mediaMs
    return wallClockMs - this.#wallClockAtZeroMs
  }

  /** Whether some track but this one has brought packets from then until now, without a pause. */
  othersFlowed(track: TrackClock, fromMs: number, toMs: number): boolean {
    return this.#tracks.some((other) => other !== track && other.flowed(fromMs, toMs))
  }

  /** The first report of sound that is believed: it stays where it is, and the pictures are moved to it. */
  soundReported(wallClockMs: number, mediaMs: number): void {
    if (this.#soundHasReported || this.#wallClockAtZeroMs === undefined) return
    this.#soundHasReported = true
    const laterMs = wallClockMs - mediaMs - this.#wallClockAtZeroMs
    this.#wallClockAtZeroMs += laterMs
    for (const track of this.#pictures) track.zeroMoved(laterMs)
  }
}

/** The time of one track: RTP timestamps → ticks from the source's zero. */
export class TrackClock {
  readonly clockRateHz: number
  readonly #source: SourceClock
  readonly #isPicture: boolean
  #unwrapper = new TimestampUnwrapper()
  #first: number | undefined
  /** Ticks from zero of the first timestamp, by its arrival. */
  #firstTicks = 0
  #last = 0
  #highest = Number.NEGATIVE_INFINITY
  #lastArrivalMs = 0
  /** Its packets have come since then without a pause. */
  #flowingSinceMs = 0
  /** What is added now, and what it is on its way to. */
  #correction = 0
  #target = 0
  #hasReports = false
  /** The source said that it has begun anew. */
  #hasRestarted = false
  /** Came before the first packet, as some senders have it. */
  #early: SenderReport | undefined
  #windowStartMs = 0
  #quickestMs = Number.POSITIVE_INFINITY
  #firstQuickestMs: number | undefined

  constructor(source: SourceClock, clockRateHz: number, isPicture: boolean) {
    this.#source = source
    this.clockRateHz = clockRateHz
    this.#isPicture = isPicture
  }

  /** Ticks from the source's zero, whole; call it in order of arrival. */
  ticks(rtpTimestamp: number, arrivalMs: number): number {
    let unwrapped = this.#unwrapper.unwrap(rtpTimestamp)
    if (this.#first === undefined) {
      this.#begin(unwrapped, this.#ticksOf(this.#source.sinceZero(arrivalMs)))
      this.#useEarlyReport(unwrapped)
    } else if (this.#hasRestarted || this.#isJump(unwrapped, arrivalMs) || this.#stoodStill(unwrapped, arrivalMs)) {
      const passedTicks = Math.max(1, this.#ticksOf(arrivalMs - this.#lastArrivalMs))
      const at = this.#raw(this.#highest) + this.#correction + passedTicks
      this.#unwrapper = new TimestampUnwrapper()
      unwrapped = this.#unwrapper.unwrap(rtpTimestamp)
      this.#begin(unwrapped, at)
    }
    this.#advance(unwrapped)
    this.#last = unwrapped
    if (arrivalMs - this.#lastArrivalMs > MAX_PAUSE_MS) this.#flowingSinceMs = arrivalMs
    this.#lastArrivalMs = arrivalMs
    if (!this.#hasReports) this.#watchDrift(unwrapped, arrivalMs)
    return Math.round(this.#raw(unwrapped) + this.#correction)
  }

  /** Whether its packets have come from then until now without a pause. */
  flowed(fromMs: number, toMs: number): boolean {
    return this.#flowingSinceMs <= fromMs && toMs - this.#lastArrivalMs <= MAX_PAUSE_MS
  }

  /** The source counts anew: its next timestamp has nothing to do with those before. */
  restarted(): void {
    this.#hasRestarted = this.#first !== undefined
  }

  /** What the source says: this timestamp was that moment. False when it can't be believed. */
  senderReport(report: SenderReport): boolean {
    if (Number.isNaN(report.wallClockMs)) return false
    if (this.#first === undefined) {
      this.#early = report
      return true
    }
    const unwrapped = this.#last + timestampDistance(this.#last >>> 0, report.rtpTimestamp)
    const raw = this.#raw(unwrapped)
    const mediaMs = this.#msOf(raw + this.#correction)
    const target = this.#ticksOf(this.#source.placed(report.wallClockMs, mediaMs)) - raw
    if (Math.abs(this.#msOf(target)) > MAX_REPORTED_OFFSET_MS && !this.#hasReports) return false
    if (Math.abs(this.#msOf(target - this.#target)) > MAX_REPORTED_OFFSET_MS) return false
    this.#hasReports = true
    this.#target = target
    if (!this.#isPicture) this.#soundReported(report.wallClockMs, mediaMs, raw)
    return true
  }

  #soundReported(wallClockMs: number, mediaMs: number, raw: number): void {
    this.#source.soundReported(wallClockMs, mediaMs)
    this.#target = this.#ticksOf(this.#source.placed(wallClockMs, mediaMs)) - raw
  }

  /** The moment of the source's wall clock that is zero is another, so much later. */
  zeroMoved(laterMs: number): void {
    if (this.#hasReports) this.#target -= this.#ticksOf(laterMs)
  }

  /** Nothing has been timed yet, so nothing has to be moved gradually. */
  #useEarlyReport(unwrapped: number): void {
    const report = this.#early
    this.#early = undefined
    this.#last = unwrapped
    if (report === undefined || Number.isNaN(report.wallClockMs)) return
    // Where the others have reported is where it belongs: only then does nobody have to be moved.
    const raw = this.#raw(unwrapped + timestampDistance(unwrapped >>> 0, report.rtpTimestamp))
    const target = this.#ticksOf(this.#source.placed(report.wallClockMs, this.#msOf(raw))) - raw
    if (Math.abs(this.#msOf(target)) <= MAX_REPORTED_OFFSET_MS) this.#correction = target
    this.senderReport(report)
  }

  #begin(unwrapped: number, ticks: number): void {
    this.#first = unwrapped
    this.#firstTicks = ticks
    this.#highest = unwrapped
    this.#correction = 0
    this.#target = 0
    this.#hasReports = false
    this.#hasRestarted = false
    this.#firstQuickestMs = undefined
    this.#quickestMs = Number.POSITIVE_INFINITY
  }

  #isJump(unwrapped: number, arrivalMs: number): boolean {
    if (this.#msOf(unwrapped - this.#highest) < -MAX_BACK_MS) return true
    // What arrives late, all at once, after the network stood still has timestamps that go on: that is no jump.
    const passedMs = this.#msOf(unwrapped - this.#last)
    return passedMs > MAX_JUMP_MS && passedMs - (arrivalMs - this.#lastArrivalMs) > MAX_JUMP_MS
  }

  #stoodStill(unwrapped: number, arrivalMs: number): boolean {
    if (this.#isPicture) return false
    const awayMs = arrivalMs - this.#lastArrivalMs
    if (awayMs - this.#msOf(unwrapped - this.#last) <= MAX_PAUSE_MS) return false
    // What a network held back comes with what it held back of the others.
    return this.#source.othersFlowed(this, this.#lastArrivalMs, arrivalMs)
  }

  /** Moves the correction on its way, by a share of the time that has passed. */
  #advance(unwrapped: number): void {
    const passed = unwrapped - this.#highest
    if (passed <= 0) return
    this.#highest = unwrapped
    const missing = this.#target - this.#correction
    const most = passed * this.#slew(Math.abs(this.#msOf(missing)))
    this.#correction += Math.max(-most, Math.min(most, missing))
  }

  #slew(missingMs: number): number {
    if (this.#isPicture) return missingMs > PICTURE_VISIBLE_MS ? PICTURE_SLEW : SLEW
    return missingMs > VISIBLE_MS ? FAST_SLEW : SLEW
  }

  /** The quickest packets of a window tell how our clock and the source's have moved against each other. */
  #watchDrift(unwrapped: number, arrivalMs: number): void {
    const lateMs = arrivalMs - this.#msOf(this.#raw(unwrapped))
    if (this.#quickestMs === Number.POSITIVE_INFINITY) this.#windowStartMs = arrivalMs
    this.#quickestMs = Math.min(this.#quickestMs, lateMs)
    if (arrivalMs - this.#windowStartMs < WINDOW_MS) return
    this.#firstQuickestMs ??= this.#quickestMs
    const driftMs = this.#quickestMs - this.#firstQuickestMs
    if (Math.abs(driftMs - this.#msOf(this.#target)) > NOTICEABLE_DRIFT_MS) this.#target = this.#ticksOf(driftMs)
    this.#quickestMs = Number.POSITIVE_INFINITY
  }

  #raw(unwrapped: number): number {
    return this.#firstTicks + unwrapped - (this.#first ?? unwrapped)
  }

  #ticksOf(ms: number): number {
    return (ms * this.clockRateHz) / 1000
  }

  #msOf(ticks: number): number {
    return (ticks * 1000) / this.clockRateHz
  }
}
