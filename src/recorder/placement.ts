import type { StreamLoss } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import type { Account } from './account.ts'
import type { TimedAccessUnit } from './cutter.ts'
import { Silence } from './silence.ts'
import { TimeLimit } from './time-limit.ts'
import { Timeline, type TimelineGap } from './timeline.ts'

export interface PlacementOptions {
  /** Where the first access unit lands, milliseconds of the recording. */
  readonly startMs: number
  /** 0: no limit. */
  readonly maxSeconds: number
  readonly account: Account
  readonly monotonicMs: () => number
  /** The stream's tracks as they are announced now, and which of them leads. */
  readonly formats: () => ReadonlyMap<number, TrackFormat>
  readonly leadingTrackId: () => number
  /** Takes what has its place; lent for the call. @param atMs where it is decoded, as the publisher sent it */
  readonly placed: (unit: TimedAccessUnit, atMs: number) => void
  /** Something of the leading track has come. @param atMs of the recording, where it is decoded */
  readonly arrived: (trackId: number, atMs: number) => void
  /** What comes next has nothing to do with the clock of what came. */
  readonly interrupted: () => void
  /** Every track has come to the end that was set. */
  readonly limitReached: () => void
}

/**
 * Gives what the publisher sends its place in the recording and enters it in the account: received, too late for its
 * place, lost on the way; up to the end that a caller set.
 */
export class Placement implements Disposable {
  readonly #options: PlacementOptions
  readonly #silence: Silence
  /** What the network took last in one go, on the timeline. */
  readonly #networkLoss = { fromMs: -1, toMs: -1 }
  #timeline: Timeline
  #limit: TimeLimit

  constructor(options: PlacementOptions) {
    const { startMs, maxSeconds, monotonicMs } = options
    this.#options = options
    this.#timeline = new Timeline(startMs)
    this.#limit = new TimeLimit(maxSeconds, startMs, monotonicMs)
    this.#silence = new Silence({
      silence: (accessUnit, dts) => {
        options.placed(this.timed(accessUnit, dts, dts), (dts * 1000) / accessUnit.format.timescale)
      },
    })
  }

  /** End of the furthest access unit so far, milliseconds of the recording. */
  get endMs(): number {
    return this.#timeline.endMs
  }

  /** Its end has come, and tracks that did not come to it were waited for. */
  get isPastLimit(): boolean {
    return this.#limit.isPast
  }

  /** What is to come begins there. */
  startAt(startMs: number): void {
    const { maxSeconds, monotonicMs } = this.#options
    this.#timeline = new Timeline(startMs)
    this.#limit = new TimeLimit(maxSeconds, startMs, monotonicMs)
  }

  /** The access unit of all tracks that is decoded first. */
  begin({ dts, format }: AccessUnit): void {
    this.#timeline.begin(dts, format.timescale)
  }

  /** The publisher is a new connection, after an outage. */
  restart(outageMs: number): void {
    this.#timeline.restart(outageMs)
  }

  take(accessUnit: AccessUnit): void {
    const { account, formats, placed, arrived, interrupted, limitReached } = this.#options
    const { format } = accessUnit
    const timing = this.#timeline.map(accessUnit)
    if (timing === undefined) return
    const { dts, pts, gap } = timing
    const atMs = (dts * 1000) / format.timescale
    if (atMs >= this.#limit.endMs) {
      if (this.#limit.reached(format.trackId, formats())) limitReached()
      return
    }
    account.received(format)
    if (gap !== undefined) interrupted()
    if (format.trackId === this.#options.leadingTrackId()) arrived(format.trackId, atMs)
    if (gap !== undefined && !this.#isNetworkOutage(gap)) account.interrupted(gap)
    const at = this.#silence.place(accessUnit, dts)
    if (at === undefined) account.lost({ format, accessUnits: 1, fromMs: atMs, toMs: atMs }, 'network')
    else placed(this.timed(accessUnit, at, Math.max(at, pts)), atMs)
  }

  /** With its place on the recording's timeline. */
  timed(accessUnit: AccessUnit, dts: number, pts: number): TimedAccessUnit {
    const isLeading = accessUnit.format.trackId === this.#options.leadingTrackId()
    return { accessUnit, dts, pts, isLeading, startsGop: isLeading && accessUnit.isRandomAccess }
  }

  /** Something never came. */
  lostOnTheWay(loss: StreamLoss): void {
    const { format, fromDts, toDts } = loss
    const fromMs = this.#timeline.positionMs(format.trackId, fromDts, format.timescale)
    const toMs = this.#timeline.positionMs(format.trackId, toDts, format.timescale)
    if (fromMs > this.#networkLoss.toMs) this.#networkLoss.fromMs = fromMs
    this.#networkLoss.toMs = Math.max(fromMs, toMs)
    // Before a track's first access unit, what is missing may lie before the recording's zero.
    const isBefore = !this.#timeline.has(format.trackId)
    const missingMs = isBefore ? ((toDts - fromDts) * 1000) / format.timescale : 0
    this.#options.account.lostOnTheWay(loss, fromMs, Math.max(fromMs, toMs), missingMs)
  }

  /** The track brings nothing more for now. */
  endTrack(trackId: number): void {
    this.#silence.endTrack(trackId)
  }

  /** The publisher is gone. */
  endTracks(): void {
    this.#silence.endTracks()
  }

  /** Where a moment of the publisher's lies in the recording. */
  momentMs(publisherMs: number): number {
    return this.#timeline.momentMs(publisherMs)
  }

  /** Which moment of the publisher's lies there; undefined: nobody knows. */
  publisherMs(positionMs: number): number | undefined {
    return this.#timeline.publisherMs(positionMs)
  }

  [Symbol.dispose](): void {
    this.#silence[Symbol.dispose]()
  }

  /** Nothing came for a while because the network took it, of which the account has been told. */
  #isNetworkOutage({ fromMs, toMs }: TimelineGap): boolean {
    return toMs > fromMs && this.#networkLoss.fromMs <= fromMs && this.#networkLoss.toMs > fromMs
  }
}
