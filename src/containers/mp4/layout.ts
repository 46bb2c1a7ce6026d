import type { ReadableBytes } from '#containers/container.ts'
import { DamagedError, NotOursError, TornHeadError } from '#containers/errors.ts'
import { join } from './box.ts'
import { BOX_HEADER_BYTES, MAX_BOX_HEADER_BYTES, parseBoxHeader } from './box-reader.ts'
import { indexCrc } from './index-crc.ts'
import type { Movie } from './movie.ts'
import { type ReadMovie, readMovie } from './movie-reader.ts'
import { beginsFile, PREPARED_AT, type Room, readRoom } from './room.ts'

/** What a part of ours looks like from outside. */
export interface Layout {
  readonly room: Room
  /** The first moov: the only one that players take. */
  readonly movie: Movie
  readonly movieAt: number
  readonly movieBytes: number
  /** A plain index: nothing follows in fragments. */
  readonly finished: boolean
  /** Finished: where the file ends. Otherwise: where fragments begin. Always behind all boxes named so far. */
  readonly tailAt: number
}

/** Larger than any moov: 1000 hours of audio and video have an index of about 1.5 GB. */
const MAX_MOOV_BYTES = 2 ** 31

/** Reads the boxes before the fragments. @throws {NotOursError} @throws {TornHeadError} @throws {DamagedError} */
export async function readLayout(part: ReadableBytes): Promise<Layout> {
  const head = await part.read(0, PREPARED_AT)
  if (part.sizeBytes < PREPARED_AT && beginsFile(head)) throw new TornHeadError('MP4')
  const room = readRoom(head)
  if (room === undefined) throw new NotOursError('MP4', 'it does not begin as we write it')
  const layout = await walk(part, room, room.endAt)
  if (layout !== undefined) return layout
  // Finishing was cut off by a power failure that kept the last write but lost those before it
  const unfinished = await walk(part, room, room.unfinishedEndAt)
  if (unfinished !== undefined) return unfinished
  if (await isTornHead(part, room)) throw new TornHeadError('MP4')
  throw new DamagedError('MP4', 'it breaks off before its first track header')
}

/** Whether a room that was never changed is all there is, or the moov behind it is not there to its end. */
async function isTornHead(part: ReadableBytes, { endAt, unfinishedEndAt }: Room): Promise<boolean> {
  if (endAt !== unfinishedEndAt) return false
  const header = parseBoxHeader(await part.read(endAt, MAX_BOX_HEADER_BYTES))
  if (header === undefined) return part.sizeBytes < endAt + BOX_HEADER_BYTES
  return header.type === 'moov' && endAt + header.sizeBytes > part.sizeBytes
}

/** Undefined: no usable moov on this way through the file. */
async function walk(part: ReadableBytes, room: Room, roomEndAt: number): Promise<Layout | undefined> {
  let found: (ReadMovie & { movieAt: number; movieBytes: number }) | undefined
  let at = roomEndAt
  for (;;) {
    const header = parseBoxHeader(await part.read(at, MAX_BOX_HEADER_BYTES))
    if (header === undefined || !(header.type === 'moov' || header.type === 'free' || header.type === 'mdat')) break
    if (at + header.sizeBytes > part.sizeBytes && header.type !== 'mdat') break
    if (header.type === 'moov') {
      // A second one is what an interrupted finish or append left at the end
      if (found !== undefined || header.sizeBytes > MAX_MOOV_BYTES) break
      const box = await part.read(at, header.sizeBytes)
      const read = tryReadMovie(box.subarray(header.headerBytes))
      if (read === undefined || (!read.fragmented && indexCrc(join([box])) !== room.indexCrc)) return undefined
      found = { ...read, movieAt: at, movieBytes: header.sizeBytes }
    }
    at = Math.min(at + header.sizeBytes, part.sizeBytes)
  }
  if (found === undefined) return undefined
  const { fragmented, movieAt, movieBytes } = found
  const movie = { ...found.movie, compatible32: room.compatible32 }
  return { room: { ...room, endAt: roomEndAt }, movie, movieAt, movieBytes, finished: !fragmented, tailAt: at }
}

function tryReadMovie(content: Uint8Array): ReadMovie | undefined {
  try {
    return readMovie(content)
  } catch (error) {
    if (error instanceof DamagedError) return undefined
    throw error
  }
}
