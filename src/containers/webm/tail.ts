import { crc32 } from 'node:zlib'
import type { ReadableBytes } from '../container.ts'
import { DamagedError, NotOursError, TornHeadError } from '../errors.ts'
import { DOC_TYPE_NAMES, type DocType } from './codec-mapping.ts'
import { VOID_HEADER_BYTES } from './ebml.ts'
import { MAX_HEADER_BYTES, readHeader } from './ebml-reader.ts'
import { HEAD_BYTES, type Head, infoElement, readHead } from './head.ts'
import { Id } from './ids.ts'
import { type CuePoint, decodeRecord, RECORD_MAGIC, type Record } from './record.ts'
import { readTracks, type TrackEntry } from './track-entry.ts'

/** Read at a time when the last record has to be looked for. */
const PIECE_BYTES = 1024 * 1024

/** A clean end is found in the first piece from the end, so that one is small. */
const LAST_PIECE_BYTES = 4 * 1024

/** Longest Tracks element or record worth reading: far beyond what we write. */
const MAX_ELEMENT_BYTES = 16 * 1024 * 1024

const NOTHING = new Uint8Array()

/** What is in the file up to the end of its last whole cluster. */
export interface Tail {
  readonly head: Head
  /** The head says so, and all it speaks of is there. */
  readonly isFinished: boolean
  /** As the Tracks element has them that holds while recording. */
  readonly entries: readonly TrackEntry[]
  readonly lastRecord: Record
  /** Where the last record ends, and the cluster before it. */
  readonly goodBytes: number
}

/**
 * Finds the last record: a few kibibytes of reading, or the cluster that was torn.
 * @throws {NotOursError} not written by Tapedeck, or of the other kind
 * @throws {TornHeadError} ends before anything was recorded
 * @throws {DamagedError} has another thing where the first record should be
 */
export async function readTail(part: ReadableBytes, docType: DocType): Promise<Tail> {
  const name = DOC_TYPE_NAMES[docType]
  const head = readHead(await part.read(0, HEAD_BYTES))
  if (head === 'not-matroska') throw new NotOursError(name, 'no EBML header')
  if (head === 'not-ours') throw new NotOursError(name, 'another program wrote it')
  if (head === 'torn') throw new TornHeadError(name)
  if (head === 'damaged') throw new DamagedError(name, 'its first kibibyte is not whole')
  if (head.docType !== docType) throw new NotOursError(name, `it is a ${DOC_TYPE_NAMES[head.docType]} file`)
  if (head.finish === undefined && (await endsBeforeMedia(part, head.mediaAt))) throw new TornHeadError(name)
  const recordedInfo = infoElement({ ...head, finish: undefined })
  const entries = await entriesAt(part, head.recordedAt + recordedInfo.length)
  if (entries === undefined) throw new DamagedError(name, 'its tracks are not described')
  const finished = await finishedRecord(part, head)
  const last = finished ?? (await lastRecord(part, head.mediaAt))
  if (last === undefined) throw new DamagedError(name, 'its records are not there')
  return { head, isFinished: finished !== undefined, entries, lastRecord: last.record, goodBytes: last.end }
}

/** Whether the record that opens the media is not there to its end. */
async function endsBeforeMedia(part: ReadableBytes, mediaAt: number): Promise<boolean> {
  if (part.sizeBytes < mediaAt + VOID_HEADER_BYTES) return true
  const header = readHeader(await part.read(mediaAt, MAX_HEADER_BYTES), 0)
  return header?.id === Id.void && mediaAt + header.contentAt + header.contentBytes > part.sizeBytes
}

/** All cue points up to a record, in order. */
export async function allCuePoints(part: ReadableBytes, last: Record): Promise<CuePoint[]> {
  const pieces: (readonly CuePoint[])[] = []
  let record: Record | undefined = last
  while (record !== undefined) {
    pieces.push(record.cuePoints)
    // They only point backwards. Where one can't be read, an index of what is newer is still true.
    record = record.previousAt < record.position ? await readRecord(part, record.previousAt) : undefined
  }
  return pieces.reverse().flat()
}

interface FoundRecord {
  readonly record: Record
  /** End of its element in the file. */
  readonly end: number
}

/** The record a finished head points to, if what was prepared for that head is there too. */
async function finishedRecord(part: ReadableBytes, head: Head): Promise<FoundRecord | undefined> {
  const { finish } = head
  if (finish === undefined || part.sizeBytes < finish.endAt) return undefined
  const index = await part.read(HEAD_BYTES, finish.indexBytes)
  const cuesBytes = finish.cuesAt > head.mediaAt ? finish.endAt - finish.cuesAt : 0
  const cues = cuesBytes > 0 ? await part.read(finish.cuesAt, cuesBytes) : NOTHING
  if (crc32(cues, crc32(index)) !== finish.indexCrc) return undefined
  return await recordAt(part, finish.lastRecordAt)
}

async function entriesAt(part: ReadableBytes, position: number): Promise<TrackEntry[] | undefined> {
  const element = await elementAt(part, position)
  return element?.id === Id.tracks ? readTracks(element.content) : undefined
}

/** Looks backwards from the end. */
async function lastRecord(part: ReadableBytes, mediaAt: number): Promise<FoundRecord | undefined> {
  let end = part.sizeBytes
  for (let wanted = LAST_PIECE_BYTES; end > mediaAt; wanted = PIECE_BYTES) {
    const start = Math.max(mediaAt, end - wanted)
    // Pieces overlap by a magic, which may lie across their border.
    const piece = Buffer.from(await part.read(start, end - start + RECORD_MAGIC.length))
    for (let at = piece.lastIndexOf(RECORD_MAGIC); at >= 0; at = piece.lastIndexOf(RECORD_MAGIC, at - 1)) {
      const found = await recordAt(part, start + at - VOID_HEADER_BYTES)
      if (found !== undefined) return found
      if (at === 0) break
    }
    end = start
  }
  return undefined
}

async function readRecord(part: ReadableBytes, position: number): Promise<Record | undefined> {
  return (await recordAt(part, position))?.record
}

async function recordAt(part: ReadableBytes, position: number): Promise<FoundRecord | undefined> {
  const element = await elementAt(part, position)
  const record = element?.id === Id.void ? decodeRecord(element.content, position) : undefined
  return element && record && { record, end: element.end }
}

async function elementAt(part: ReadableBytes, position: number) {
  if (position < HEAD_BYTES) return undefined
  const header = readHeader(await part.read(position, MAX_HEADER_BYTES), 0)
  if (header === undefined || header.contentBytes > MAX_ELEMENT_BYTES) return undefined
  const { id, contentAt, contentBytes } = header
  const content = await part.read(position + contentAt, contentBytes)
  return content.length < contentBytes ? undefined : { id, content, end: position + contentAt + contentBytes }
}
