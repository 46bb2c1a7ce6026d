import { RecentLeast } from './recent-least.ts'
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

/** The middle one of so many reports counts; one that is further off is of a clock that was set. */
const USUAL_REPORTS = 5
const MAX_STRAY_MS = 250

/** A timestamp this far from where its arrival puts it begins a new count: the source has restarted. */
const MAX_JUMP_MS = 10_000
/** … and one this far before the latest, too: pictures are reordered by less. */
const MAX_BACK_MS = 2_000

/**
 * Sound that was away, and for longer than its timestamps say, while other tracks never paused for half as long: its clock
 * stood still. Browsers do that to a microphone that is taken away and given back.
 */
const MAX_PAUSE_MS = 500
const MAX_BEHIND_MS = 150
/** So many of a track's pauses are remembered. */
const MAX_PAUSES = 32

/** Without reports, a track's clock is compared with ours over windows as long as this, by their quickest packets. */
const WINDOW_MS = 20_000
const NOTICEABLE_DRIFT_MS = 20

/** The quickest way of a packet is looked for over this long: of the source, and of one track, whose clock may slip. */
const WAY_SPAN_MS = 3_000
const TRACK_SPAN_MS = 1_500

/** What is known of a source beforehand. */
export interface SourceClockOptions {
  /**
   * Its reports of sound tell when a packet was made (libwebrtc, in all browsers), not when the first of its samples was
   * taken. That is later by the duration of the packet, and by some tens of milliseconds more where processors are busy.
   * Sound is then put no later than its quickest packets can have been sent, and there from the first report of pictures
   * on: those of sound come after seconds.
   */
  readonly soundReportsAreLate?: boolean
}

/**
 * The common time of the tracks of one source. RTP clocks of different tracks begin anywhere and run at slightly
 * different speeds; sender reports tie each to the source's wall clock (RFC 3550 §6.4.1). Zero is the arrival of the
 * source's first packet. What a report moves is moved gradually, so that no time ever goes backwards.
 */
export class SourceClock {
  #zeroMs: number | undefined
  #wallClockAtZeroMs: number | undefined
  #soundHasReported = false
  #isReported = false
  readonly #pictures: TrackClock[] = []
  readonly #tracks: TrackClock[] = []
  readonly #sounds: TrackClock[] = []
  /** Arrival, by our clock, less when it happened by the source's. */
  readonly #quickestWayMs = new RecentLeast(WAY_SPAN_MS)
  readonly soundReportsAreLate: boolean

  constructor({ soundReportsAreLate = false }: SourceClockOptions = {}) {
    this.soundReportsAreLate = soundReportsAreLate
  }

  /** @param kind where both have to be moved to each other, the pictures are, once the sound has reported */
  track(clockRateHz: number, kind: 'video' | 'audio' = 'audio'): TrackClock {
    const track = new TrackClock(this, clockRateHz, kind === 'video')
    if (kind === 'video') this.#pictures.push(track)
    else this.#sounds.push(track)
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

  /** Whether some track but this one has brought packets from then until now, without a pause of so long. */
  othersFlowed(track: TrackClock, fromMs: number, toMs: number, pauseMs: number): boolean {
    return this.#tracks.some((other) => other !== track && other.flowed(fromMs, toMs, pauseMs))
  }

  /** Whether a report of pictures has come: all that can be known soon is known. */
  get isReported(): boolean {
    return this.#isReported
  }

  /** See `isReported`. */
  reported(): void {
    this.#isReported = true
  }

  /** What happened at that moment of the source's wall clock has arrived. */
  came(wallClockMs: number, arrivalMs: number): void {
    this.#quickestWayMs.add(arrivalMs - wallClockMs, arrivalMs)
  }

  /** The source's wall clock at the latest when it sent what arrives then, by the quickest of late; -Infinity: unknown. */
  sentMs(arrivalMs: number): number {
    return arrivalMs - this.#quickestWayMs.value
  }

  /** The way is known anew. */
  tied(): void {
    if (this.soundReportsAreLate) for (const track of this.#sounds) track.placeByArrival()
  }

  get #staysWithSound(): boolean {
    return this.soundReportsAreLate && this.#sounds.length === 1
  }

  /** Sound is placed before anything of it was given out: it needs not stay anywhere. */
  soundPlaced(): void {
    this.#soundHasReported = true
  }

  /**
   * The first report of sound that is believed: it stays where it is, and the pictures are moved to it. So is all that is
   * learned later, where arrivals have a say: that may change by tens of milliseconds, which is heard, but not seen.
   */
  soundReported(wallClockMs: number, mediaMs: number): void {
    if (this.#wallClockAtZeroMs === undefined || (this.#soundHasReported && !this.#staysWithSound)) return
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
  /** When none of its packets came: each ended after, and was shorter than, those before it. */
  readonly #pauses: { readonly endMs: number; readonly lengthMs: number }[] = []
  /** What is added now, and what it is on its way to. */
  #correction = 0
  #target = 0
  #hasReports = false
  /** The source's wall clock when its timestamp was 0, by its last report. */
  #reportedAtMs = Number.POSITIVE_INFINITY
  /** Moment less timestamp, by the last reports, in milliseconds; and what of it is used. */
  readonly #reportedOffsetsMs: number[] = []
  #usedOffsetMs = Number.NaN
  /** Something of it has a time. */
  #isGivenOut = false
  /** Arrival less timestamp, in milliseconds. */
  readonly #quickestMs = new RecentLeast(TRACK_SPAN_MS)
  /** The least from one timestamp to the next: how long a packet of sound lasts. */
  #stepTicks = Number.POSITIVE_INFINITY
  #heardLast = Number.POSITIVE_INFINITY
  /** The source said that it has begun anew. */
  #hasRestarted = false
  /** Came before the first packet, as some senders have it. */
  #early: { readonly report: SenderReport; readonly arrivalMs: number } | undefined
  #windowStartMs = 0
  #windowQuickestMs = Number.POSITIVE_INFINITY
  #firstQuickestMs: number | undefined

  constructor(source: SourceClock, clockRateHz: number, isPicture: boolean) {
    this.#source = source
    this.clockRateHz = clockRateHz
    this.#isPicture = isPicture
  }

  /** Whether the source's pictures have been reported: waiting would bring nothing more soon. */
  get isReported(): boolean {
    return this.#source.isReported
  }

  /** A packet came whose turn is later: what is known before the first `ticks` need not be corrected after it. */
  heard(rtpTimestamp: number, arrivalMs: number): void {
    if (this.#first === undefined) this.#came(this.#unwrapper.unwrap(rtpTimestamp), arrivalMs)
  }

  /** Ticks from the source's zero, whole; call it in order of arrival. */
  ticks(rtpTimestamp: number, arrivalMs: number): number {
    let unwrapped = this.#unwrapper.unwrap(rtpTimestamp)
    if (this.#first === undefined) {
      const quickestMs = Math.min(arrivalMs, this.#quickestMs.value + this.#msOf(unwrapped))
      this.#begin(unwrapped, this.#ticksOf(this.#source.sinceZero(quickestMs)))
      this.#useEarlyReport(unwrapped)
    } else if (this.#hasRestarted || this.#isJump(unwrapped, arrivalMs) || this.#stoodStill(unwrapped, arrivalMs)) {
      const passedTicks = Math.max(1, this.#ticksOf(arrivalMs - this.#lastArrivalMs))
      const at = this.#raw(this.#highest) + this.#correction + passedTicks
      this.#unwrapper = new TimestampUnwrapper()
      unwrapped = this.#unwrapper.unwrap(rtpTimestamp)
      this.#quickestMs.clear()
      this.#heardLast = Number.POSITIVE_INFINITY
      this.#begin(unwrapped, at)
    }
    if (this.#source.soundReportsAreLate) this.#came(unwrapped, arrivalMs)
    this.#advance(unwrapped)
    this.#last = unwrapped
    this.#isGivenOut = true
    if (arrivalMs - this.#lastArrivalMs > MAX_PAUSE_MS) this.#paused(arrivalMs, arrivalMs - this.#lastArrivalMs)
    this.#lastArrivalMs = arrivalMs
    if (!this.#hasReports) this.#watchDrift(unwrapped, arrivalMs)
    return Math.round(this.#raw(unwrapped) + this.#correction)
  }

  /** Whether its packets have come from then until now without a pause of so long, which is no less than half a second. */
  flowed(fromMs: number, toMs: number, pauseMs: number): boolean {
    const longest = this.#pauses.find(({ endMs }) => endMs > fromMs)
    return toMs - this.#lastArrivalMs <= pauseMs && (longest === undefined || longest.lengthMs <= pauseMs)
  }

  #paused(endMs: number, lengthMs: number): void {
    const pauses = this.#pauses
    while ((pauses.at(-1)?.lengthMs ?? Number.POSITIVE_INFINITY) <= lengthMs) pauses.pop()
    pauses.push({ endMs, lengthMs })
    if (pauses.length > MAX_PAUSES) pauses.shift()
  }

  /** The source counts anew: its next timestamp has nothing to do with those before. */
  restarted(): void {
    this.#hasRestarted = this.#first !== undefined
  }

  /**
   * What the source says: this timestamp was that moment. False when it can't be believed.
   * @param arrivalMs of the report, which is made when it is sent
   */
  senderReport(report: SenderReport, arrivalMs: number): boolean {
    if (Number.isNaN(report.wallClockMs)) return false
    if (this.#isPicture) this.#source.reported()
    if (this.#first === undefined) {
      this.#early = { report, arrivalMs }
      return true
    }
    const unwrapped = this.#last + timestampDistance(this.#last >>> 0, report.rtpTimestamp)
    const wallClockMs = Math.min(this.#usualMs(report.wallClockMs, unwrapped), this.#latestMs(unwrapped))
    if (!this.#place(wallClockMs, unwrapped)) return false
    this.#reportedAtMs = report.wallClockMs - this.#msOf(unwrapped)
    this.#source.came(report.wallClockMs, arrivalMs)
    if (this.#isPicture) this.#tieSource()
    return true
  }

  /**
   * The moment of a timestamp by the last few reports: where processors are busy, a source may read its wall clock tens
   * of milliseconds away from the timestamp it says it for, and what one report moves the next would move back.
   */
  #usualMs(wallClockMs: number, unwrapped: number): number {
    if (this.#source.soundReportsAreLate) return wallClockMs
    const offsets = this.#reportedOffsetsMs
    const offsetMs = wallClockMs - this.#msOf(unwrapped)
    const usedMs = this.#usedOffsetMs
    if (Math.abs(offsetMs - usedMs) > MAX_STRAY_MS) offsets.length = 0
    offsets.push(offsetMs)
    if (offsets.length > USUAL_REPORTS) offsets.shift()
    const sorted = offsets.toSorted((a, b) => a - b)
    const [low = offsetMs, high = offsetMs] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
    this.#usedOffsetMs = Math.abs(low - usedMs) < Math.abs(high - usedMs) ? low : high
    return this.#usedOffsetMs + this.#msOf(unwrapped)
  }

  /** Sound is placed where its quickest packets put it, or where its last report does, if that is earlier. */
  placeByArrival(): void {
    if (this.#first === undefined) return
    const wallClockMs = Math.min(this.#reportedAtMs + this.#msOf(this.#last), this.#latestMs(this.#last))
    if (wallClockMs !== Number.POSITIVE_INFINITY) this.#place(wallClockMs, this.#last)
  }

  #place(wallClockMs: number, unwrapped: number): boolean {
    const raw = this.#raw(unwrapped)
    const mediaMs = this.#msOf(raw + this.#correction)
    const target = this.#ticksOf(this.#source.placed(wallClockMs, mediaMs)) - raw
    if (Math.abs(this.#msOf(target)) > MAX_REPORTED_OFFSET_MS && !this.#hasReports) return false
    if (Math.abs(this.#msOf(target - this.#target)) > MAX_REPORTED_OFFSET_MS) return false
    this.#hasReports = true
    this.#target = target
    if (!this.#isPicture) this.#soundReported(wallClockMs, mediaMs, raw)
    return true
  }

  /** The moment when sound of this timestamp was taken, at the latest; infinite while nothing is known of it. */
  #latestMs(unwrapped: number): number {
    const { soundReportsAreLate } = this.#source
    const sentMs = this.#source.sentMs(this.#quickestMs.value + this.#msOf(unwrapped))
    if (!soundReportsAreLate || this.#isPicture || !Number.isFinite(sentMs)) return Number.POSITIVE_INFINITY
    const lastsMs = this.#stepTicks === Number.POSITIVE_INFINITY ? 0 : this.#msOf(this.#stepTicks)
    return sentMs - lastsMs
  }

  /** What its reports and its quickest packets tell of the way. */
  #tieSource(): void {
    const wallClockMs = this.#source.wallClockMs(this.#msOf(this.#raw(this.#last) + this.#target))
    const quickestMs = this.#quickestMs.value
    if (wallClockMs === undefined || quickestMs === Number.POSITIVE_INFINITY) return
    this.#source.came(wallClockMs, quickestMs + this.#msOf(this.#last))
    this.#source.tied()
  }

  #came(unwrapped: number, arrivalMs: number): void {
    this.#quickestMs.add(arrivalMs - this.#msOf(unwrapped), arrivalMs)
    if (unwrapped > this.#heardLast) this.#stepTicks = Math.min(this.#stepTicks, unwrapped - this.#heardLast)
    this.#heardLast = unwrapped
  }

  #soundReported(wallClockMs: number, mediaMs: number, raw: number): void {
    if (!this.#isGivenOut) {
      this.#source.soundPlaced()
      return
    }
    this.#source.soundReported(wallClockMs, mediaMs)
    this.#target = this.#ticksOf(this.#source.placed(wallClockMs, mediaMs)) - raw
  }

  /** The moment of the source's wall clock that is zero is another, so much later. */
  zeroMoved(laterMs: number): void {
    if (this.#hasReports) this.#target -= this.#ticksOf(laterMs)
  }

  /** Nothing has been timed yet, so nothing has to be moved gradually. */
  #useEarlyReport(unwrapped: number): void {
    const early = this.#early
    this.#early = undefined
    this.#last = unwrapped
    if (early !== undefined) this.senderReport(early.report, early.arrivalMs)
    if (this.#source.soundReportsAreLate && !this.#isPicture) this.placeByArrival()
    this.#correction = this.#target
  }

  #begin(unwrapped: number, ticks: number): void {
    this.#first = unwrapped
    this.#firstTicks = ticks
    this.#highest = unwrapped
    this.#correction = 0
    this.#target = 0
    this.#hasReports = false
    this.#reportedAtMs = Number.POSITIVE_INFINITY
    this.#reportedOffsetsMs.length = 0
    this.#usedOffsetMs = Number.NaN
    this.#hasRestarted = false
    this.#firstQuickestMs = undefined
    this.#windowQuickestMs = Number.POSITIVE_INFINITY
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
    const behindMs = awayMs - this.#msOf(unwrapped - this.#last)
    if (awayMs <= MAX_PAUSE_MS || behindMs <= MAX_BEHIND_MS) return false
    // What a network held back comes with what it held back of the others. Processors that are busy hold less.
    return this.#source.othersFlowed(this, this.#lastArrivalMs, arrivalMs, Math.max(MAX_PAUSE_MS, behindMs / 2))
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
    if (this.#windowQuickestMs === Number.POSITIVE_INFINITY) this.#windowStartMs = arrivalMs
    this.#windowQuickestMs = Math.min(this.#windowQuickestMs, lateMs)
    if (arrivalMs - this.#windowStartMs < WINDOW_MS) return
    this.#firstQuickestMs ??= this.#windowQuickestMs
    const driftMs = this.#windowQuickestMs - this.#firstQuickestMs
    if (Math.abs(driftMs - this.#msOf(this.#target)) > NOTICEABLE_DRIFT_MS) this.#target = this.#ticksOf(driftMs)
    this.#windowQuickestMs = Number.POSITIVE_INFINITY
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
