import type { AccessUnit } from '#media/access-unit.ts'

/** A stalled track may hold a cut back no longer than this (wall clock), nor may more than MAX_HELD_BYTES be held. */
const MAX_HOLD_MS = 2_000
const MAX_HELD_BYTES = 4 * 1024 * 1024

/** A track that changed so that the present part can't take it waits this long for a GOP to begin the next part with. */
const MAX_WAIT_FOR_GOP_MS = 10_000

/** An access unit with its place in the recording. */
export interface TimedAccessUnit {
  readonly accessUnit: AccessUnit
  readonly dts: number
  readonly pts: number
  readonly isLeading: boolean
  /** It may begin a part: a random access point of the leading track. */
  readonly startsGop: boolean
}

/** What the cutter does with access units, in order: write into the present part, or begin a new one at a point. */
export interface CutterActions {
  /** Whether the present part can take access units of this one's format; it is prepared for them when it can. */
  accepts(unit: TimedAccessUnit): boolean
  write(unit: TimedAccessUnit): void
  /** Everything written from now on belongs to a new part. Its zero is `at`'s DTS; `held` is what comes first in it. */
  cut(at: TimedAccessUnit, held: readonly TimedAccessUnit[]): void
}

/** `never`: no cut in sight. `possible`: one may come with the next GOP. `due`: the next GOP begins a new part. */
export type CutOutlook = 'never' | 'possible' | 'due'

interface Division {
  /** Where the leading track divides; undefined while it has not come to its next GOP. */
  at: TimedAccessUnit | undefined
  /** Tracks whose format the present part can't take: what they bring belongs to the next, whatever its time. */
  readonly moved: Set<number>
  /** Tracks that have not come as far as the cut. */
  readonly behind: Set<number>
}

/**
 * Divides interleaved tracks at a random access point of the leading track, or when exact cuts are wanted at any of its
 * access units: every other track's access units go to the side their presentation time belongs to (promise 5). Near a cut it holds back what may belong to the other side:
 *
 *   through ── outlook ≠ never ──► watching ── GOP starts, outlook due ──► dividing ── all tracks past the cut ──► through
 *   any ── a format that the part can't take ──► dividing, at that GOP or, when another track changed, at the next
 */
export class Cutter implements Disposable {
  readonly #actions: CutterActions
  readonly #monotonicMs: () => number
  readonly #isExact: boolean
  /** Watching: other tracks ahead of the leading one. Dividing: what belongs to the new part. */
  #held: TimedAccessUnit[] = []
  #heldBytes = 0
  #heldSinceMs = 0
  #leadingDtsMs = Number.NEGATIVE_INFINITY
  /** Latest presentation written, of each track but the leading one. */
  readonly #othersPtsMs = new Map<number, number>()
  /** Tracks that bring nothing now; what they have brought may be held yet. */
  readonly #ended = new Set<number>()
  /** Of all of them: a cut before it would come too late. */
  #latestPtsMs = Number.NEGATIVE_INFINITY
  #division: Division | undefined

  /** @param isExact a cut that is due comes with the next access unit of the leading track, decodable or not */
  constructor(actions: CutterActions, monotonicMs: () => number, isExact: boolean) {
    this.#actions = actions
    this.#monotonicMs = monotonicMs
    this.#isExact = isExact
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Something is held back until the leading track comes to a random access point. */
  get waitsForGop(): boolean {
    return this.#division !== undefined && this.#division.at === undefined
  }

  /** Takes over the caller's reference. */
  push(unit: TimedAccessUnit, outlook: CutOutlook): void {
    if (this.#ended.size > 0) this.#ended.delete(unit.accessUnit.format.trackId)
    if (this.#division !== undefined) this.#divide(unit)
    else if (outlook === 'never' && this.#held.length === 0) this.#write(unit)
    else this.#watch(unit, outlook)
    if (this.#heldBytes > MAX_HELD_BYTES) this.flush()
  }

  /** Call a few times a second: ends a wait for a track that has stalled. */
  tick(): void {
    if (this.#held.length === 0) return
    const limitMs = this.waitsForGop ? MAX_WAIT_FOR_GOP_MS : MAX_HOLD_MS
    if (this.#monotonicMs() - this.#heldSinceMs > limitMs) this.flush()
  }

  /** Decides everything held with what is known now. */
  flush(): void {
    // What is released may divide again, so that the rest is held.
    while (this.#held.length > 0) {
      if (this.#division !== undefined) this.#finishDivision()
      else this.#releaseHeld(Number.POSITIVE_INFINITY)
    }
  }

  /** The publisher is a new connection, perhaps with other tracks: cuts don't wait for the old ones. Flush first. */
  forgetTracks(): void {
    this.#othersPtsMs.clear()
  }

  /** The track brings nothing more for now: no cut waits for it. */
  endTrack(trackId: number): void {
    this.#ended.add(trackId)
    this.#othersPtsMs.delete(trackId)
    const division = this.#division
    if (division?.behind.delete(trackId) !== true) return
    if (division.at !== undefined && division.behind.size === 0) this.#finishDivision()
  }

  /** Forgets what is held without writing it; gives it to the caller to count and release. */
  takeHeld(): TimedAccessUnit[] {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    this.#division = undefined
    return held
  }

  [Symbol.dispose](): void {
    for (const { accessUnit } of this.takeHeld()) accessUnit.release()
  }

  #watch(unit: TimedAccessUnit, outlook: CutOutlook): void {
    if (!unit.isLeading) {
      if (outlook === 'never') this.#releaseHeld(Number.POSITIVE_INFINITY)
      if (this.#division !== undefined) this.#divide(unit)
      else if (outlook === 'never' || ptsMs(unit) <= this.#leadingDtsMs) this.#write(unit)
      else this.#hold(unit)
      return
    }
    const mayBeHere = this.#isExact || unit.startsGop
    if (mayBeHere && outlook === 'due' && this.#cutMs(unit) > this.#latestPtsMs) {
      const held = this.takeHeld()
      this.#division = { at: undefined, moved: new Set(), behind: new Set() }
      this.#divideAt(this.#division, unit, held)
      return
    }
    this.#write(unit)
    if (this.#division !== undefined) return
    // A later cut lies beyond this DTS, so nothing presented up to it can belong to the next part.
    this.#releaseHeld(outlook === 'never' ? Number.POSITIVE_INFINITY : this.#leadingDtsMs)
  }

  /** The leading track has come to the point; `held` is what was held before. */
  #divideAt(division: Division, at: TimedAccessUnit, held: readonly TimedAccessUnit[]): void {
    const cutMs = this.#cutMs(at)
    division.at = at
    const leadingId = at.accessUnit.format.trackId
    for (const [trackId, latestMs] of this.#othersPtsMs) {
      if (latestMs < cutMs && trackId !== leadingId && !division.moved.has(trackId)) division.behind.add(trackId)
    }
    this.#hold(at)
    for (const unit of held) this.#divide(unit)
    if (this.#division === division && division.behind.size === 0) this.#finishDivision()
  }

  #divide(unit: TimedAccessUnit): void {
    const division = this.#division
    if (division === undefined) {
      this.#write(unit)
      return
    }
    const { at, moved, behind } = division
    const { trackId } = unit.accessUnit.format
    if (at === undefined) {
      if (moved.has(trackId)) this.#hold(unit)
      else if (unit.isLeading && unit.startsGop) this.#divideAt(division, unit, this.#heldOnly())
      else this.#write(unit)
      return
    }
    if (!unit.isLeading && !moved.has(trackId) && ptsMs(unit) < this.#cutMs(at)) {
      this.#write(unit)
      return
    }
    this.#hold(unit)
    behind.delete(trackId)
    if (behind.size === 0) this.#finishDivision()
  }

  /** The present part can't take the unit: from it on its track belongs to the next one. */
  #move(unit: TimedAccessUnit): void {
    const { trackId } = unit.accessUnit.format
    const division = this.#division ?? { at: undefined, moved: new Set(), behind: new Set() }
    const held = this.#division === undefined ? this.#heldOnly() : []
    this.#division = division
    if (unit.isLeading && division.at === undefined) {
      this.#divideAt(division, unit, held)
      return
    }
    division.moved.add(trackId)
    division.behind.delete(trackId)
    this.#hold(unit)
    for (const other of held) this.#divide(other)
    if (division.at !== undefined && division.behind.size === 0 && this.#division === division) this.#finishDivision()
  }

  #finishDivision(): void {
    const held = this.takeHeld()
    const [first] = held
    if (first === undefined) return
    let earliest = first
    for (const unit of held) if (dtsMs(unit) < dtsMs(earliest)) earliest = unit
    this.#actions.cut(earliest, held)
    // Another change of format in between divides again.
    for (const unit of held) this.#divide(unit)
  }

  #releaseHeld(upToMs: number): void {
    if (this.#held.length === 0) return
    for (const unit of this.#heldOnly()) {
      if (this.#division !== undefined) this.#divide(unit)
      else if (ptsMs(unit) <= upToMs) this.#write(unit)
      else this.#hold(unit)
    }
  }

  /** Takes what is held, and leaves a division under way as it is. */
  #heldOnly(): TimedAccessUnit[] {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    return held
  }

  /**
   * Where other tracks divide. Nothing is presented before a random access point that is decoded after it; anywhere else
   * something may be, but not before it is decoded.
   */
  #cutMs(at: TimedAccessUnit): number {
    return this.#isExact ? dtsMs(at) : ptsMs(at)
  }

  #hold(unit: TimedAccessUnit): void {
    if (this.#held.length === 0) this.#heldSinceMs = this.#monotonicMs()
    this.#held.push(unit)
    this.#heldBytes += unit.accessUnit.payloadBytes
  }

  #write(unit: TimedAccessUnit): void {
    if (!this.#actions.accepts(unit)) {
      this.#move(unit)
      return
    }
    if (unit.isLeading) {
      this.#leadingDtsMs = dtsMs(unit)
    } else {
      const latestMs = ptsMs(unit)
      const { trackId } = unit.accessUnit.format
      if (!this.#ended.has(trackId)) this.#othersPtsMs.set(trackId, latestMs)
      if (latestMs > this.#latestPtsMs) this.#latestPtsMs = latestMs
    }
    this.#actions.write(unit)
  }
}

function ptsMs(unit: TimedAccessUnit): number {
  return (unit.pts * 1000) / unit.accessUnit.format.timescale
}

function dtsMs(unit: TimedAccessUnit): number {
  return (unit.dts * 1000) / unit.accessUnit.format.timescale
}
