import { crc32 } from 'node:zlib'
import { concatBytes, startsAlike } from '#media/bytes.ts'
import type { DocType } from './codec-mapping.ts'
import {
  date,
  element,
  float,
  idBytes,
  LARGE_SIZE_BYTES,
  largeHeader,
  text,
  uint,
  uint64,
  VOID_HEADER_BYTES,
  voidHeader,
} from './ebml.ts'
import { Id } from './ids.ts'
import { type TrackEntry, tracksElement } from './track-entry.ts'

/**
 * The file's first kibibyte: everything that says where the rest is. It lies in one page and is always written as a
 * whole, so that readers see it either before a change or after it
 * (docs/decisions/0018-webm-is-finished-by-one-write.md).
 *
 *     EBML │ Segment │ SeekHead │ Void ─ … our own block │ ─ … prepared space … ─ │ Info │ Tracks │ Cluster …
 *     0                                               928  1024                     shown
 *
 * Info and Tracks stand together, because Chromium's MediaSource wants nothing between them.
 */
export interface Head {
  readonly docType: DocType
  readonly createdAtMs: number
  /** Where Info and Tracks are while recording. The space between the head and them is ours to prepare in. */
  readonly recordedAt: number
  /** Where clusters begin. */
  readonly mediaAt: number
  /** Undefined while the part is recorded. */
  readonly finish: FinishedHead | undefined
}

/** What the head of a finished part tells besides. Its Info and Tracks are in the prepared space. */
export interface FinishedHead {
  /** The last presentation's end. */
  readonly durationMs: number
  /** In the prepared space too, or behind the media, up to the end. 0: there are none. */
  readonly cuesAt: number
  /** Where the newest record is. */
  readonly lastRecordAt: number
  /** The Segment's, and so the file's. */
  readonly endAt: number
  /** What the head shows of the prepared space. */
  readonly indexBytes: number
  /** Of it, and of Cues behind the media: proves that a power cut has not left the head without them. */
  readonly indexCrc: number
}

/** Bytes of the head. Prepared space begins right behind it. */
export const HEAD_BYTES = 1024

/** One millisecond, in nanoseconds: what the WebM guidelines ask for, and what RTMP counts in. */
const TIMESTAMP_SCALE_NS = 1_000_000

/** More than Info ever has. */
const INFO_ROOM_BYTES = 128

const MAGIC = 'TapedeckMKV\x01'
const BLOCK_BYTES = 96
const BLOCK_AT = HEAD_BYTES - BLOCK_BYTES
const DOC_TYPES: readonly DocType[] = ['webm', 'matroska']

/** The head as bytes, HEAD_BYTES of them. */
export function headBytes(head: Head): Uint8Array {
  const ebml = ebmlHeader(head.docType)
  const segmentAt = ebml.length + 4 + LARGE_SIZE_BYTES
  const { finish } = head
  const segment = largeHeader(Id.segment, finish && finish.endAt - segmentAt)
  const opening = concatBytes([ebml, segment, seekHead(head, segmentAt)])
  const bytes = new Uint8Array(HEAD_BYTES)
  bytes.set(opening)
  bytes.set(voidHeader(shownAt(head) - opening.length), opening.length)
  writeBlock(bytes.subarray(BLOCK_AT), head)
  return bytes
}

/** Where positions inside the file's Segment count from. */
export function segmentContentAt(docType: DocType): number {
  return ebmlHeader(docType).length + 4 + LARGE_SIZE_BYTES
}

/** `torn`: it breaks off before it is whole. */
export type HeadFault = 'not-matroska' | 'not-ours' | 'torn' | 'damaged'

/** Reads our own block of the head; the elements before it follow from it. */
export function readHead(bytes: Uint8Array): Head | HeadFault {
  if (bytes.length < HEAD_BYTES && DOC_TYPES.some((docType) => startsAlike(bytes, ebmlHeader(docType)))) return 'torn'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 4 || view.getUint32(0) !== Id.ebml) return 'not-matroska'
  if (bytes.length < HEAD_BYTES) return 'not-ours'
  if (Buffer.from(bytes.subarray(BLOCK_AT, BLOCK_AT + MAGIC.length)).toString('latin1') !== MAGIC) return 'not-ours'
  return readBlock(bytes.subarray(BLOCK_AT)) ?? 'damaged'
}

/** EBML Header, RFC 8794 §11.2; version 4 has CodecDelay, and 2 the SimpleBlock that readers need. */
const ebmlHeader = (docType: DocType): Uint8Array =>
  element(
    Id.ebml,
    uint(Id.ebmlVersion, 1),
    uint(Id.ebmlReadVersion, 1),
    uint(Id.ebmlMaxIdLength, 4),
    uint(Id.ebmlMaxSizeLength, 8),
    text(Id.docType, docType),
    uint(Id.docTypeVersion, 4),
    uint(Id.docTypeReadVersion, 2),
  )

/**
 * What Info and Tracks take at most, with the Void behind them. So much of the prepared space is kept free, for the
 * finished part's.
 */
export function descriptionRoomBytes(entries: readonly TrackEntry[]): number {
  return INFO_ROOM_BYTES + tracksElement(entries).length + VOID_HEADER_BYTES
}

/** Where Info and Tracks are that readers see. */
const shownAt = ({ finish, recordedAt }: Head): number => (finish === undefined ? recordedAt : HEAD_BYTES)

/** SeekHead, RFC 9559 §5.1.1. */
function seekHead(head: Head, segmentAt: number): Uint8Array {
  const infoAt = shownAt(head)
  const cuesAt = head.finish?.cuesAt ?? 0
  return element(
    Id.seekHead,
    seek(Id.info, infoAt - segmentAt),
    seek(Id.tracks, infoAt + infoElement(head).length - segmentAt),
    ...(cuesAt > 0 ? [seek(Id.cues, cuesAt - segmentAt)] : []),
  )
}

const seek = (id: number, position: number): Uint8Array =>
  element(Id.seek, element(Id.seekId, idBytes(id)), uint64(Id.seekPosition, position))

/** Info, RFC 9559 §5.1.2. Its length depends on whether it has a duration, and on nothing else. */
export const infoElement = ({ finish, createdAtMs }: Pick<Head, 'finish' | 'createdAtMs'>): Uint8Array =>
  element(
    Id.info,
    uint(Id.timestampScale, TIMESTAMP_SCALE_NS),
    ...(finish === undefined ? [] : [float(Id.duration, finish.durationMs)]),
    date(Id.dateUtc, createdAtMs),
    text(Id.muxingApp, 'Tapedeck'),
    text(Id.writingApp, 'Tapedeck'),
  )

const NO_FINISH: FinishedHead = {
  ...{ durationMs: 0, cuesAt: 0, lastRecordAt: 0, endAt: 0 },
  ...{ indexBytes: 0, indexCrc: 0 },
}

function writeBlock(block: Uint8Array, head: Head): void {
  const finish = head.finish ?? NO_FINISH
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  block.set(Buffer.from(MAGIC, 'latin1'))
  // 12: CRC of everything behind it
  view.setUint8(16, DOC_TYPES.indexOf(head.docType))
  view.setUint8(17, head.finish === undefined ? 0 : 1)
  view.setUint32(20, finish.indexCrc)
  view.setUint32(24, finish.indexBytes)
  view.setFloat64(32, head.createdAtMs)
  view.setFloat64(40, head.recordedAt)
  view.setFloat64(48, head.mediaAt)
  view.setFloat64(56, finish.durationMs)
  view.setFloat64(64, finish.cuesAt)
  view.setFloat64(72, finish.lastRecordAt)
  view.setFloat64(80, finish.endAt)
  view.setUint32(12, crc32(block.subarray(16)))
}

function readBlock(block: Uint8Array): Head | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  const docType = DOC_TYPES[view.getUint8(16)]
  if (docType === undefined || view.getUint32(12) !== crc32(block.subarray(16))) return undefined
  const finish = {
    durationMs: view.getFloat64(56),
    cuesAt: view.getFloat64(64),
    lastRecordAt: view.getFloat64(72),
    endAt: view.getFloat64(80),
    indexBytes: view.getUint32(24),
    indexCrc: view.getUint32(20),
  }
  return {
    docType,
    createdAtMs: view.getFloat64(32),
    recordedAt: view.getFloat64(40),
    mediaAt: view.getFloat64(48),
    finish: view.getUint8(17) === 1 ? finish : undefined,
  }
}
