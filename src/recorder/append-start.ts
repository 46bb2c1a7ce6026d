import type { ContinuedPart } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TimelineGap } from './timeline.ts'

/** Longer ones count in the ledger only: 32 bits of MP4 hold 13 hours of a picture, MPEG-TS clocks mistake more for less. */
const MAX_KEPT_GAP_MS = 12 * 3_600_000

/** FLV's tick: what comes must be decoded so much later than what is there. */
const LEAST_STEP_MS = 1

/**
 * Where the first of these access units lies in a file that is gone on with, in milliseconds of the file: so that the
 * leading track goes on exactly where it ended, and the others with it. Later, by as little as it takes, where another
 * track would not come after what is there of it, or a picture be shown before the last one has been.
 * rtmp-recording.md §1, "Append details".
 * @param gathered what the recording begins with, in the stream's order
 * @param leadingTrackId of the stream
 */
export function appendStartMs(
  gathered: readonly AccessUnit[],
  leadingTrackId: number,
  { startMs, ends }: Pick<ContinuedPart, 'startMs' | 'ends'>,
): number {
  const firsts = new Map<number, AccessUnit>()
  for (const accessUnit of gathered) {
    const known = firsts.get(accessUnit.format.trackId)
    if (known === undefined || accessUnit.dts < known.dts) firsts.set(accessUnit.format.trackId, accessUnit)
  }
  const leading = firsts.get(leadingTrackId)
  const leadingEnd = ends.get(leadingTrackId)
  // A file without this track is gone on with behind everything.
  if (leading === undefined || leadingEnd === undefined) return startMs
  let zeroMs = dtsMs(leading)
  for (const first of firsts.values()) zeroMs = Math.min(zeroMs, dtsMs(first))
  const delayMs = ((leading.pts - leading.dts) * 1000) / leading.format.timescale
  const endMs = Math.max(leadingEnd.endDtsMs, leadingEnd.endPtsMs - delayMs)
  let earliestMs = endMs - (dtsMs(leading) - zeroMs)
  for (const [trackId, { lastDtsMs }] of ends) {
    if (trackId === leadingTrackId) continue
    // One that has not come yet may come with the first of the others.
    const first = firsts.get(trackId)
    const laterMs = first === undefined ? 0 : dtsMs(first) - zeroMs
    earliestMs = Math.max(earliestMs, lastDtsMs + LEAST_STEP_MS - laterMs)
  }
  return earliestMs
}

/** The pause before what a file is gone on with from `fromMs`. @param isKept as a pause of what is played */
export function appendGap(fromMs: number, missingMs: number, isKept: boolean): TimelineGap {
  return { fromMs, toMs: fromMs + (isKept ? Math.min(missingMs, MAX_KEPT_GAP_MS) : 0), missingMs }
}

function dtsMs({ dts, format }: AccessUnit): number {
  return (dts * 1000) / format.timescale
}
