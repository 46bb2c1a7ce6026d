import type { AccessUnit } from '#media/access-unit.ts'

/** A stalled leading track may hold others back no longer than this (wall clock), nor more than MAX_HELD_BYTES. */
const MAX_HOLD_MS = 2_000
const MAX_HELD_BYTES = 4 * 1024 * 1024

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
  write(unit: TimedAccessUnit): void
  /** Everything written from now on belongs to a new part whose zero is this unit's DTS. */
  cut(at: TimedAccessUnit): void
}

/** `never`: no cut in sight. `possible`: one may come with the next GOP. `due`: the next GOP begins a new part. */
export type CutOutlook = 'never' | 'possible' | 'due'

/**
 * Divides interleaved tracks at a random access point of the leading track: every other track's access units go to the
 * side their presentation time belongs to (promise 5). Near a cut it holds back what may belong to the other side:
 *
 *   through ── outlook ≠ never ──► watching ── GOP starts, outlook due ──► dividing ── all tracks past the cut ──► through
 */
export class Cutter implements Disposable {
  readonly #actions: CutterActions
  readonly #monotonicMs: () => number
  /** Watching: other tracks ahead of the leading one. Dividing: what belongs to the new part. */
  #held: TimedAccessUnit[] = []
  #heldBytes = 0
  #heldSinceMs = 0
  #leadingDtsMs = Number.NEGATIVE_INFINITY
  /** Latest presentation written of the other tracks: a cut before it would come too late. */
  #othersPtsMs = Number.NEGATIVE_INFINITY
  #dividing: { readonly at: TimedAccessUnit; readonly ptsMs: number; readonly behind: Set<number> } | undefined
  readonly #otherTracks = new Set<number>()

  constructor(actions: CutterActions, monotonicMs: () => number) {
    this.#actions = actions
    this.#monotonicMs = monotonicMs
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes over the caller's reference. */
  push(unit: TimedAccessUnit, outlook: CutOutlook): void {
    if (!unit.isLeading) this.#otherTracks.add(unit.accessUnit.format.trackId)
    if (this.#dividing !== undefined) this.#divide(unit)
    else if (outlook === 'never' && this.#held.length === 0) this.#write(unit)
    else this.#watch(unit, outlook)
    if (this.#heldBytes > MAX_HELD_BYTES) this.flush()
  }

  /** Call a few times a second: ends a wait for a track that has stalled. */
  tick(): void {
    if (this.#held.length > 0 && this.#monotonicMs() - this.#heldSinceMs > MAX_HOLD_MS) this.flush()
  }

  /** Decides everything held with what is known now. */
  flush(): void {
    if (this.#dividing !== undefined) this.#finishDividing()
    else this.#releaseHeld(Number.POSITIVE_INFINITY)
  }

  /** Forgets what is held without writing it; gives it to the caller to count and release. */
  takeHeld(): TimedAccessUnit[] {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    this.#dividing = undefined
    return held
  }

  [Symbol.dispose](): void {
    for (const { accessUnit } of this.takeHeld()) accessUnit.release()
  }

  #watch(unit: TimedAccessUnit, outlook: CutOutlook): void {
    if (!unit.isLeading) {
      if (outlook === 'never') this.#releaseHeld(Number.POSITIVE_INFINITY)
      if (outlook === 'never' || ptsMs(unit) <= this.#leadingDtsMs) this.#write(unit)
      else this.#hold(unit)
      return
    }
    if (unit.startsGop && outlook === 'due' && ptsMs(unit) > this.#othersPtsMs) {
      this.#beginDividing(unit)
      return
    }
    this.#write(unit)
    // A later cut lies beyond this DTS, so nothing presented up to it can belong to the next part.
    this.#releaseHeld(outlook === 'never' ? Number.POSITIVE_INFINITY : this.#leadingDtsMs)
  }

  #beginDividing(at: TimedAccessUnit): void {
    const cutMs = ptsMs(at)
    const ahead: TimedAccessUnit[] = []
    for (const held of this.#held) {
      if (ptsMs(held) < cutMs) this.#write(held)
      else ahead.push(held)
    }
    const behind = new Set(this.#otherTracks)
    for (const held of ahead) behind.delete(held.accessUnit.format.trackId)
    this.#held = []
    this.#heldBytes = 0
    this.#dividing = { at, ptsMs: cutMs, behind }
    this.#hold(at)
    for (const held of ahead) this.#hold(held)
    if (behind.size === 0) this.#finishDividing()
  }

  #divide(unit: TimedAccessUnit): void {
    const dividing = this.#dividing
    if (dividing === undefined) return
    if (!unit.isLeading && ptsMs(unit) < dividing.ptsMs) {
      this.#write(unit)
      return
    }
    this.#hold(unit)
    if (!unit.isLeading) dividing.behind.delete(unit.accessUnit.format.trackId)
    if (dividing.behind.size === 0) this.#finishDividing()
  }

  #finishDividing(): void {
    const at = this.#dividing?.at
    const held = this.takeHeld()
    if (at === undefined) return
    this.#actions.cut(at)
    for (const unit of held) this.#write(unit)
  }

  #releaseHeld(upToMs: number): void {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const unit of held) {
      if (ptsMs(unit) <= upToMs) this.#write(unit)
      else this.#hold(unit)
    }
  }

  #hold(unit: TimedAccessUnit): void {
    if (this.#held.length === 0) this.#heldSinceMs = this.#monotonicMs()
    this.#held.push(unit)
    this.#heldBytes += unit.accessUnit.payloadBytes
  }

  #write(unit: TimedAccessUnit): void {
    if (unit.isLeading) this.#leadingDtsMs = (unit.dts * 1000) / unit.accessUnit.format.timescale
    else this.#othersPtsMs = Math.max(this.#othersPtsMs, ptsMs(unit))
    this.#actions.write(unit)
  }
}

function ptsMs(unit: TimedAccessUnit): number {
  return (unit.pts * 1000) / unit.accessUnit.format.timescale
}
