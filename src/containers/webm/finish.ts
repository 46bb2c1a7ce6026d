import { crc32 } from 'node:zlib'
import { concatBytes } from '#media/bytes.ts'
import type { Change, PartBytes, PartInspection, PartSummary, ReadableBytes, TrackSummary } from '../container.ts'
import { spanMs, TrackTotals } from '../track-totals.ts'
import type { DocType } from './codec-mapping.ts'
import { cuesElement } from './cues.ts'
import { VOID_HEADER_BYTES, voidHeader } from './ebml.ts'
import { type FinishedHead, HEAD_BYTES, type Head, headBytes, infoElement, segmentContentAt } from './head.ts'
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
 *     in the room:   head │ Info │ Tracks │ Cues │ Void ─│ Cluster …
 *     outgrown:      head │ Info │ Tracks │ Void ────────│ Cluster … │ Cues
 */
function placeIndex(tail: Tail, cues: Uint8Array): { changes: Change[]; endAt: number } {
  const { head, goodBytes, lastRecord, entries } = tail
  const { tracks: summaries } = summary(tail, 0)
  const filled = summaries.filter(({ accessUnits }) => accessUnits > 0)
  // A track that never brought anything would keep players waiting for it.
  const shown = entries.filter(({ trackId }) => filled.some((track) => track.trackId === trackId))
  const durationMs = Math.max(0, ...filled.map(({ endMs }) => endMs))
  const tracks = tracksElement(shown.length > 0 ? shown : entries)
  const nothing = { durationMs, cuesAt: 0, lastRecordAt: 0, endAt: 0, indexBytes: 0, indexCrc: 0 }
  const description = concatBytes([infoElement({ ...head, finish: nothing }), tracks])
  const descriptionEndAt = HEAD_BYTES + description.length
  const isInRoom = descriptionEndAt + cues.length + VOID_HEADER_BYTES <= head.recordedAt
  const coverAt = isInRoom ? descriptionEndAt + cues.length : descriptionEndAt
  const cover = voidHeader(head.mediaAt - coverAt)
  const index = concatBytes(isInRoom ? [description, cues, cover] : [description, cover])
  const behind = isInRoom ? new Uint8Array() : cues
  const endAt = goodBytes + behind.length
  const finish: FinishedHead = {
    durationMs,
    cuesAt: cues.length === 0 ? 0 : isInRoom ? descriptionEndAt : goodBytes,
    lastRecordAt: lastRecord.position,
    endAt,
    indexBytes: index.length,
    indexCrc: crc32(behind, crc32(index)),
  }
  const append: Change = { kind: 'append', buffers: [behind], bytes: behind.length }
  const prepare: Change = { kind: 'write', position: HEAD_BYTES, bytes: index }
  const show = showHead({ ...head, finish })
  return { changes: behind.length > 0 ? [append, prepare, show] : [prepare, show], endAt }
}
