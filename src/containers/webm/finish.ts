import { crc32 } from 'node:zlib'
import { concatBytes } from '#media/bytes.ts'
import type { Change, PartBytes, PartInspection, PartSummary, ReadableBytes, TrackSummary } from '../container.ts'
import { spanMs, TrackTotals } from '../track-totals.ts'
import type { DocType } from './codec-mapping.ts'
import { cuesElement } from './cues.ts'
import { VOID_HEADER_BYTES, voidHeader } from './ebml.ts'
import { type FinishedHead, type Head, headBytes, PREPARED_AT, segmentContentAt } from './head.ts'
import { allCuePoints, readTail, type Tail } from './tail.ts'
import { tracksElement } from './track-entry.ts'

/** Times of blocks are in milliseconds. */
const CLOCK_HZ = 1000

/** Adds Cues, duration and size, without moving a media byte. See Container.finish. */
export async function finish(part: PartBytes, docType: DocType): Promise<PartSummary> {
  const tail = await readTail(part, docType)
  if (tail.isFinished) {
    const endAt = tail.head.finish?.endAt ?? tail.goodBytes
    if (endAt < part.sizeBytes) await part.truncate(endAt)
    return summary(tail, endAt)
  }
  // A head from before a power cut that took away what it shows.
  if (tail.head.finish !== undefined) await part.apply([showHead({ ...tail.head, finish: undefined })])
  if (tail.goodBytes < part.sizeBytes) await part.truncate(tail.goodBytes)
  const cuePoints = await allCuePoints(part, tail.lastRecord)
  const cues = cuePoints.length > 0 ? cuesElement(cuePoints, segmentContentAt(docType)) : new Uint8Array()
  const { changes, endAt } = placeIndex(tail, cues)
  await part.apply(changes)
  return summary(tail, endAt)
}

/** See Container.inspect. */
export async function inspect(part: ReadableBytes, docType: DocType): Promise<PartInspection> {
  const tail = await readTail(part, docType)
  const wholeBytes = tail.isFinished ? (tail.head.finish?.endAt ?? tail.goodBytes) : tail.goodBytes
  const tornBytes = part.sizeBytes - wholeBytes
  return { ...summary(tail, part.sizeBytes), finished: tail.isFinished && tornBytes === 0, tornBytes }
}

/** The one write that shows what was prepared, or hides it. */
export const showHead = (head: Head): Change => ({ kind: 'write', position: 0, bytes: headBytes(head) })

/** What an unfinished part holds. */
export function summary({ entries, lastRecord }: Pick<Tail, 'entries' | 'lastRecord'>, bytes: number): PartSummary {
  const tracks: TrackSummary[] = []
  for (const { trackId, totals } of lastRecord.tracks) {
    const entry = entries.find((candidate) => candidate.trackId === trackId)
    if (entry !== undefined) tracks.push(new TrackTotals(totals).summary(trackId, entry.codec, CLOCK_HZ))
  }
  return { durationMs: spanMs(tracks), bytes, tracks: tracks.sort((a, b) => a.trackId - b.trackId) }
}

/**
 * Prepares the index where no reader looks, then shows it with the last write. Readers of any state before that see the
 * clusters as they were.
 *
 *     in the room:   head │ Tracks │ Cues │ Void ──────│ Cluster …
 *     outgrown:      head │ Void ─────────────│ Tracks │ Cluster … │ Cues
 */
function placeIndex(tail: Tail, cues: Uint8Array): { changes: Change[]; endAt: number } {
  const { head, goodBytes, lastRecord, entries } = tail
  const { tracks: summaries } = summary(tail, 0)
  const common = {
    durationMs: Math.max(0, ...summaries.filter(({ accessUnits }) => accessUnits > 0).map(({ endMs }) => endMs)),
    lastRecordAt: lastRecord.position,
  }
  // A track that never brought anything would keep players waiting for it.
  const silent = new Set(summaries.filter(({ accessUnits }) => accessUnits === 0).map(({ trackId }) => trackId))
  const shown = silent.size < entries.length ? entries.filter(({ trackId }) => !silent.has(trackId)) : entries
  const tracks = tracksElement(shown)
  const coverAt = PREPARED_AT + tracks.length + cues.length
  if (coverAt + VOID_HEADER_BYTES <= head.recordedTracksAt) {
    const index = concatBytes([tracks, cues, voidHeader(head.mediaAt - coverAt)])
    const finish: FinishedHead = {
      ...common,
      tracksAt: PREPARED_AT,
      cuesAt: cues.length > 0 ? PREPARED_AT + tracks.length : 0,
      endAt: goodBytes,
      indexBytes: index.length,
      indexCrc: crc32(index),
    }
    return {
      changes: [{ kind: 'write', position: PREPARED_AT, bytes: index }, showHead({ ...head, finish })],
      endAt: goodBytes,
    }
  }
  const finish: FinishedHead = {
    ...common,
    tracksAt: head.recordedTracksAt,
    cuesAt: cues.length > 0 ? goodBytes : 0,
    endAt: goodBytes + cues.length,
    indexBytes: cues.length,
    indexCrc: crc32(cues),
  }
  return {
    changes: [{ kind: 'append', buffers: [cues], bytes: cues.length }, showHead({ ...head, finish })],
    endAt: finish.endAt,
  }
}
