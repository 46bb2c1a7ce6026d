import type { Change, PartBytes, PartInspection, PartSummary, ReadableBytes } from '#containers/container.ts'
import { DamagedError } from '#containers/errors.ts'
import { type Bytes, boxHeader, join, largeBoxHeader, serialize, UINT32_MAX } from './box.ts'
import { indexCrc } from './index-crc.ts'
import { type Layout, readLayout } from './layout.ts'
import { readMediaIndex } from './media-index.ts'
import { moov } from './moov.ts'
import { flipRoom, noteFinish, PREPARED_AT } from './room.ts'
import { finishedMovie, summarize } from './timeline.ts'

/** Header with largesize (or, with 32-bit headers, an empty box and a plain one) of the mdat that swallows everything after the room. */
const MDAT_HEADER_BYTES = 16
const FREE_HEADER_BYTES = 8

/** Turns fragments into one mdat with an index, without moving a media byte. See Container.finish. */
export async function finish(part: PartBytes): Promise<PartSummary> {
  const layout = await readLayout(part)
  if (layout.finished) {
    if (layout.tailAt < part.sizeBytes) await part.truncate(layout.tailAt)
    return summarize(layout.movie, layout.tailAt)
  }
  const index = await readMediaIndex(part, layout)
  if (index.endAt < part.sizeBytes) await part.truncate(index.endAt)
  const movie = finishedMovie(layout.movie, index.sections)
  const box = moov(movie, false)
  const changes = placeIndex(layout, box, index.endAt)
  await part.apply(changes)
  return summarize(
    movie,
    changes.reduce((size, change) => size + (change.kind === 'append' ? change.bytes : 0), index.endAt),
  )
}

/**
 * Prepares the index where no reader looks, then exposes it with the last write. Readers of any state before that see
 * the fragments as they were.
 *
 *     in the room:   ftyp │ free │ moov │ free │ mdat ───────────────────────────────────┤
 *     outgrown:      ftyp │ free ──────────────│ mdat ───────────────────────────│ moov ─┤
 */
function placeIndex(layout: Layout, box: Bytes, endAt: number): Change[] {
  const roomEndAt = layout.room.endAt
  const mdatAt = roomEndAt - MDAT_HEADER_BYTES
  const mdat: Change = { kind: 'write', position: mdatAt, bytes: mdatHeader(layout, endAt - mdatAt) }
  const note = noteFinish(roomEndAt, indexCrc(box))
  const fillerAt = PREPARED_AT + box.length
  if (fillerAt + FREE_HEADER_BYTES <= mdatAt) {
    const filled = serialize(join([box, boxHeader('free', mdatAt - fillerAt)]))
    return [{ kind: 'write', position: PREPARED_AT, bytes: filled }, mdat, note, flipRoom(PREPARED_AT)]
  }
  if (mdatAt < PREPARED_AT) throw new DamagedError('MP4', 'the room before its index is used up')
  return [{ kind: 'append', buffers: box.pieces, bytes: box.length }, mdat, note, flipRoom(mdatAt)]
}

/** Of MDAT_HEADER_BYTES, whatever its form. */
function mdatHeader({ movie }: Layout, sizeBytes: number): Uint8Array {
  if (movie.compatible32 !== true || sizeBytes > UINT32_MAX) return largeBoxHeader('mdat', sizeBytes)
  const unused = boxHeader('free', FREE_HEADER_BYTES)
  return serialize(join([unused, boxHeader('mdat', sizeBytes - FREE_HEADER_BYTES)]))
}

/** See Container.inspect. */
export async function inspect(part: ReadableBytes): Promise<PartInspection> {
  const layout = await readLayout(part)
  if (layout.finished) {
    const tornBytes = part.sizeBytes - layout.tailAt
    return { ...summarize(layout.movie, part.sizeBytes), finished: true, tornBytes }
  }
  const index = await readMediaIndex(part, layout)
  const movie = finishedMovie(layout.movie, index.sections)
  return { ...summarize(movie, part.sizeBytes), finished: false, tornBytes: part.sizeBytes - index.endAt }
}
