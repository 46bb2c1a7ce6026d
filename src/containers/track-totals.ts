import type { Codec } from '#media/codec.ts'
import type { TrackEnd, TrackSummary } from './container.ts'

/** Running totals of one track of a part, in ticks of the container's own clock (FLV 1 kHz, MPEG-TS 90 kHz). */
export interface TotalsState {
  readonly accessUnits: number
  readonly payloadBytes: number
  readonly firstPts: number
  readonly lastPts: number
  readonly lastDts: number
  /** How long the last access unit lasts: as its format says, else like the one before it. */
  readonly lastTicks: number
}

/**
 * What the last access unit of a track lasts is guessed from its distance to the one before, which may be a pause: of a
 * publisher that was away while its file was kept for it. So that no pause counts twice, it lasts at most so many times
 * as long as the one before.
 */
const MAX_TIMES_LONGER = 25

/** What totals take in a file. Never changed: files hold them so. */
export const TOTALS_BYTES = 48

/** Writes TOTALS_BYTES. */
export function encodeTotals(view: DataView, at: number, totals: TotalsState): void {
  view.setFloat64(at, totals.accessUnits)
  view.setFloat64(at + 8, totals.payloadBytes)
  view.setFloat64(at + 16, totals.firstPts)
  view.setFloat64(at + 24, totals.lastPts)
  view.setFloat64(at + 32, totals.lastDts)
  view.setFloat64(at + 40, totals.lastTicks)
}

export function decodeTotals(view: DataView, at: number): TotalsState {
  return {
    accessUnits: view.getFloat64(at),
    payloadBytes: view.getFloat64(at + 8),
    firstPts: view.getFloat64(at + 16),
    lastPts: view.getFloat64(at + 24),
    lastDts: view.getFloat64(at + 32),
    lastTicks: view.getFloat64(at + 40),
  }
}

const EMPTY: TotalsState = { accessUnits: 0, payloadBytes: 0, firstPts: 0, lastPts: 0, lastDts: 0, lastTicks: 0 }

/**
 * Counts what a track holds. The writer, its checkpoints inside the file and the scanner that repairs a torn file all
 * count with this, so that they agree.
 */
export class TrackTotals {
  #accessUnits: number
  #payloadBytes: number
  #firstPts: number
  #lastPts: number
  #lastDts: number
  #lastTicks: number

  constructor(state: TotalsState = EMPTY) {
    this.#accessUnits = state.accessUnits
    this.#payloadBytes = state.payloadBytes
    this.#firstPts = state.firstPts
    this.#lastPts = state.lastPts
    this.#lastDts = state.lastDts
    this.#lastTicks = state.lastTicks
  }

  /** @param durationTicks of this access unit when its format fixes it, else 0: the distance to the one before */
  add(payloadBytes: number, dts: number, pts: number, durationTicks: number): void {
    if (this.#accessUnits === 0) {
      this.#firstPts = pts
      this.#lastPts = pts
    } else if (durationTicks === 0) {
      const most = this.#lastTicks > 0 ? this.#lastTicks * MAX_TIMES_LONGER : Number.POSITIVE_INFINITY
      this.#lastTicks = Math.min(most, Math.max(0, dts - this.#lastDts))
    }
    if (durationTicks > 0) this.#lastTicks = durationTicks
    if (pts < this.#firstPts) this.#firstPts = pts
    if (pts > this.#lastPts) this.#lastPts = pts
    this.#lastDts = dts
    this.#accessUnits++
    this.#payloadBytes += payloadBytes
  }

  get state(): TotalsState {
    return {
      accessUnits: this.#accessUnits,
      payloadBytes: this.#payloadBytes,
      firstPts: this.#firstPts,
      lastPts: this.#lastPts,
      lastDts: this.#lastDts,
      lastTicks: this.#lastTicks,
    }
  }

  get lastDts(): number {
    return this.#lastDts
  }

  /** End of the last presentation, in ticks. */
  get endTicks(): number {
    return this.#lastPts + this.#lastTicks
  }

  /** Where decoding goes on after the last access unit, in ticks. */
  get endDts(): number {
    return this.#lastDts + this.#lastTicks
  }

  summary(trackId: number, codec: Codec, clockHz: number): TrackSummary {
    return {
      trackId,
      codec,
      accessUnits: this.#accessUnits,
      payloadBytes: this.#payloadBytes,
      startMs: (this.#firstPts * 1000) / clockHz,
      endMs: (this.endTicks * 1000) / clockHz,
    }
  }
}

/** Where tracks end that hold anything, by their ids. */
export function endsOf(
  tracks: readonly { readonly trackId: number; readonly totals: TotalsState }[],
  clockHz: number,
): Map<number, TrackEnd> {
  const ends = new Map<number, TrackEnd>()
  for (const { trackId, totals } of tracks) {
    if (totals.accessUnits === 0) continue
    const { lastDts, endDts, endTicks } = new TrackTotals(totals)
    const ms = (ticks: number) => (ticks * 1000) / clockHz
    ends.set(trackId, { lastDtsMs: ms(lastDts), endDtsMs: ms(endDts), endPtsMs: ms(endTicks) })
  }
  return ends
}

/** From the first presentation to the end of the last, all tracks that hold anything. Milliseconds. */
export function spanMs(tracks: readonly TrackSummary[]): number {
  const filled = tracks.filter((track) => track.accessUnits > 0)
  if (filled.length === 0) return 0
  return Math.max(...filled.map((track) => track.endMs)) - Math.min(...filled.map((track) => track.startMs))
}
