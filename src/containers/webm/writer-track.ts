import type { TrackFormat } from '#media/track.ts'
import { TrackTotals } from '../track-totals.ts'
import { codecDelayMs, type TrackEntry } from './track-entry.ts'

/** One track as the writer keeps it. A new format of the same track makes a new one with the same totals. */
export interface WriterTrack {
  readonly format: TrackFormat
  readonly entry: TrackEntry
  /** Of the entry. */
  readonly number: number
  readonly isVideo: boolean
  /** Times in milliseconds of the file. */
  readonly totals: TrackTotals
  /** Milliseconds of every access unit, fractions allowed; 0 when they vary. */
  readonly durationMs: number
  /** See codecDelayMs. */
  readonly delayMs: number
}

/** @param totals of the same track so far */
export function writerTrack(format: TrackFormat, entry: TrackEntry, totals: TrackTotals | undefined): WriterTrack {
  const isFixed = format.kind === 'audio' && format.samplesPerAccessUnit > 0
  const durationMs = isFixed ? (format.samplesPerAccessUnit * 1000) / format.sampleRateHz : 0
  // A single access unit has no neighbour to measure its duration by: the format's hint stands in.
  const hintMs = format.kind === 'video' && format.frameRateHint > 0 ? 1000 / format.frameRateHint : 0
  const none = { accessUnits: 0, payloadBytes: 0, firstPts: 0, lastPts: 0, lastDts: 0 }
  return {
    format,
    entry,
    number: entry.number,
    isVideo: format.kind === 'video',
    totals: totals ?? new TrackTotals({ ...none, lastTicks: durationMs || hintMs }),
    durationMs,
    delayMs: codecDelayMs(format),
  }
}
