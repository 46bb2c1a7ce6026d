import type { RecordingDocument } from '../api/documents.ts'

/** A recording and when its facts were true, so that elapsed time can run on between answers. */
export interface SeenRecording {
  readonly recording: RecordingDocument
  /** The browser's monotonic clock. */
  readonly seenAtMs: number
}

/** Recordings in progress, by id. */
export type ActiveRecordings = ReadonlyMap<string, SeenRecording>

/** Not final yet. */
export function isActive(recording: RecordingDocument): boolean {
  return recording.state === 'waiting' || recording.state === 'recording' || recording.state === 'finishing'
}

/** Puts in one recording as an event or an answer told it; a final one leaves the map. */
export function withRecording(
  active: ActiveRecordings,
  recording: RecordingDocument,
  seenAtMs: number,
): ActiveRecordings {
  if (!isActive(recording) && !active.has(recording.id)) return active
  const next = new Map(active)
  if (isActive(recording)) next.set(recording.id, { recording, seenAtMs })
  else next.delete(recording.id)
  return next
}

/**
 * Replaces all recordings of the listed states by what a listing asked at `askedAtMs` found. An event that arrived since
 * then knows better than the listing, whether it added a recording or ended it: `toldAtMs` says when each id was last
 * told of.
 */
export function withListing(
  active: ActiveRecordings,
  listing: { states: readonly string[]; recordings: readonly RecordingDocument[]; askedAtMs: number },
  toldAtMs: ReadonlyMap<string, number>,
  seenAtMs: number,
): ActiveRecordings {
  const knowsBetter = (id: string) => (toldAtMs.get(id) ?? -1) > listing.askedAtMs
  const next = new Map<string, SeenRecording>()
  for (const [id, seen] of active) {
    if (!listing.states.includes(seen.recording.state) || knowsBetter(id)) next.set(id, seen)
  }
  for (const recording of listing.recordings) {
    if (!knowsBetter(recording.id)) next.set(recording.id, { recording, seenAtMs })
  }
  return next
}

/** How long a recording runs now: what the server said, plus the time since, unless nothing is written meanwhile. */
export function elapsedMs(seen: SeenRecording, nowMs: number, isStreamLive: boolean): number {
  const { recording, seenAtMs } = seen
  const stands = !isStreamLive || recording.state !== 'recording' || recording.error !== null
  return recording.durationMs + (stands ? 0 : Math.max(0, nowMs - seenAtMs))
}
