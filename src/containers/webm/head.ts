import { crc32 } from 'node:zlib'
import { concatBytes } from '#media/bytes.ts'
import type { DocType } from './codec-mapping.ts'
import { date, element, float, idBytes, LARGE_SIZE_BYTES, largeHeader, text, uint, uint64, voidHeader } from './ebml.ts'
import { Id } from './ids.ts'

/**
 * The file's first kibibyte: everything that says where the rest is and how long it lasts. It lies in one page and is
 * always written as a whole, so that readers see it either before a change or after it
 * (docs/decisions/0018-webm-is-finished-by-one-write.md).
 *
 *     EBML │ Segment │ SeekHead │ Info │ Void ─ … our own block │ ─ … prepared space …  │ Tracks │ Cluster …
 *     0                                                     928   1024                  shown
 */
export interface Head {
  readonly docType: DocType
  readonly createdAtMs: number
  /** Where the Tracks element is that holds while recording. The space between the head and it is ours to prepare in. */
  readonly recordedTracksAt: number
  /** Where clusters begin. */
  readonly mediaAt: number
  /** Undefined while the part is recorded. */
  readonly finish: FinishedHead | undefined
}

/** What the head of a finished part tells besides. */
export interface FinishedHead {
  /** The last presentation's end, in ticks. */
  readonly durationMs: number
  /** What is shown from here on, after the head: a Tracks element. */
  readonly tracksAt: number
  /** 0: there are none. */
  readonly cuesAt: number
  /** Where the newest record is. */
  readonly lastRecordAt: number
  /** The Segment's, and so the file's. */
  readonly endAt: number
  /** Of what was prepared (indexAt): proves that a power cut has not left the head without it. */
  readonly indexBytes: number
  readonly indexCrc: number
}

/** Bytes of the head. */
export const HEAD_BYTES = 1024

/** Prepared space begins right behind the head. */
export const PREPARED_AT = HEAD_BYTES

/** One millisecond, in nanoseconds: what the WebM guidelines ask for, and what RTMP counts in. */
const TIMESTAMP_SCALE_NS = 1_000_000

const MAGIC = 'TapedeckMKV\x01'
const BLOCK_BYTES = 96
const BLOCK_AT = HEAD_BYTES - BLOCK_BYTES
const DOC_TYPES: readonly DocType[] = ['webm', 'matroska']

/** The head as bytes, HEAD_BYTES of them. */
export function headBytes(head: Head): Uint8Array {
  const ebml = ebmlHeader(head.docType)
  const segmentAt = ebml.length + 4 + LARGE_SIZE_BYTES
  const { finish } = head
  const shownAt = finish?.tracksAt ?? head.recordedTracksAt
  const opening = concatBytes([
    ebml,
    largeHeader(Id.segment, finish && finish.endAt - segmentAt),
    seekHead(head, segmentAt),
    info(head),
  ])
  const bytes = new Uint8Array(HEAD_BYTES)
  bytes.set(opening)
  bytes.set(voidHeader(shownAt - opening.length), opening.length)
  writeBlock(bytes.subarray(BLOCK_AT), head)
  return bytes
}

/** Where positions inside the file's Segment count from. */
export function segmentContentAt(docType: DocType): number {
  return ebmlHeader(docType).length + 4 + LARGE_SIZE_BYTES
}

export type HeadFault = 'not-matroska' | 'not-ours' | 'damaged'

/** Reads our own block of the head; the elements before it follow from it. */
export function readHead(bytes: Uint8Array): Head | HeadFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 4 || view.getUint32(0) !== Id.ebml) return 'not-matroska'
  if (bytes.length < HEAD_BYTES) return 'damaged'
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

/** SeekHead, RFC 9559 §5.1.1. Its own length depends on whether there are Cues only, so positions can be told first. */
function seekHead(head: Head, segmentAt: number): Uint8Array {
  const { finish } = head
  const cuesAt = finish?.cuesAt ?? 0
  const make = (infoAt: number) =>
    element(
      Id.seekHead,
      seek(Id.info, infoAt - segmentAt),
      seek(Id.tracks, (finish?.tracksAt ?? head.recordedTracksAt) - segmentAt),
      ...(cuesAt > 0 ? [seek(Id.cues, cuesAt - segmentAt)] : []),
    )
  return make(segmentAt + make(0).length)
}

const seek = (id: number, position: number): Uint8Array =>
  element(Id.seek, element(Id.seekId, idBytes(id)), uint64(Id.seekPosition, position))

/** Info, RFC 9559 §5.1.2. */
const info = ({ finish, createdAtMs }: Head): Uint8Array =>
  element(
    Id.info,
    uint(Id.timestampScale, TIMESTAMP_SCALE_NS),
    ...(finish === undefined ? [] : [float(Id.duration, finish.durationMs)]),
    date(Id.dateUtc, createdAtMs),
    text(Id.muxingApp, 'Tapedeck'),
    text(Id.writingApp, 'Tapedeck'),
  )

/** Where what was prepared for the finished part begins: in front of the media, or Cues alone behind it. */
export function indexAt({ tracksAt, cuesAt }: FinishedHead): number {
  return tracksAt === PREPARED_AT ? PREPARED_AT : cuesAt
}

const NO_FINISH: FinishedHead = {
  ...{ durationMs: 0, tracksAt: 0, cuesAt: 0, lastRecordAt: 0, endAt: 0 },
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
  view.setFloat64(40, head.recordedTracksAt)
  view.setFloat64(48, head.mediaAt)
  view.setFloat64(56, finish.durationMs)
  view.setFloat64(64, finish.tracksAt)
  view.setFloat64(72, finish.cuesAt)
  view.setFloat64(80, finish.lastRecordAt)
  view.setFloat64(88, finish.endAt)
  view.setUint32(12, crc32(block.subarray(16)))
}

function readBlock(block: Uint8Array): Head | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  const docType = DOC_TYPES[view.getUint8(16)]
  if (docType === undefined || view.getUint32(12) !== crc32(block.subarray(16))) return undefined
  const finish = {
    durationMs: view.getFloat64(56),
    tracksAt: view.getFloat64(64),
    cuesAt: view.getFloat64(72),
    lastRecordAt: view.getFloat64(80),
    endAt: view.getFloat64(88),
    indexBytes: view.getUint32(24),
    indexCrc: view.getUint32(20),
  }
  return {
    docType,
    createdAtMs: view.getFloat64(32),
    recordedTracksAt: view.getFloat64(40),
    mediaAt: view.getFloat64(48),
    finish: view.getUint8(17) === 1 ? finish : undefined,
  }
}
