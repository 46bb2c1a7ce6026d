import { crc32 } from 'node:zlib'
import { decodeTotals, encodeTotals, TOTALS_BYTES, type TotalsState } from '../track-totals.ts'
import { VOID_HEADER_BYTES, voidHeader } from './ebml.ts'

/**
 * What we know of the file at one place in it: totals per track and the places to seek to. One follows each cluster, in
 * a Void element, which every reader skips. Records of a higher level repeat the cue points of those since the last of
 * their level, so that all of a long file's are gathered in few steps.
 */
export interface Record {
  /** Where its Void begins: proves that the bytes were written here. */
  readonly position: number
  /** 0 to MAX_LEVEL. */
  readonly level: number
  /** The newest record before it of its level or a higher one, with what its own cue points don't cover; 0: none. */
  readonly previousAt: number
  readonly tracks: readonly RecordedTrack[]
  readonly cuePoints: readonly CuePoint[]
}

export interface RecordedTrack {
  readonly number: number
  readonly trackId: number
  /** Times in milliseconds of the file. */
  readonly totals: TotalsState
}

/** A place where decoding may start. RFC 9559 §5.1.5.1. */
export interface CuePoint {
  /** As its block says it. */
  readonly timeMs: number
  readonly trackNumber: number
  /** Where the Cluster begins in the file. */
  readonly clusterAt: number
  /** Of the block, in the Cluster's content. */
  readonly relativePosition: number
}

export const MAX_LEVEL = 2

/** Start of every record's content; with a CRC and the position behind it, media can't look like one by chance. */
export const RECORD_MAGIC = Buffer.from('TDrecord', 'latin1')
const HEAD_BYTES = 40
const TRACK_BYTES = 4 + TOTALS_BYTES
const CUE_POINT_BYTES = 24

/** The Void element that holds a record. */
export function encodeRecord({ position, level, previousAt, tracks, cuePoints }: Record): Uint8Array {
  const contentBytes = HEAD_BYTES + tracks.length * TRACK_BYTES + cuePoints.length * CUE_POINT_BYTES
  const bytes = new Uint8Array(VOID_HEADER_BYTES + contentBytes)
  bytes.set(voidHeader(bytes.length))
  const content = bytes.subarray(VOID_HEADER_BYTES)
  const view = new DataView(content.buffer, content.byteOffset, content.length)
  content.set(RECORD_MAGIC)
  // 8: CRC of everything behind it
  view.setUint8(12, level)
  view.setUint16(14, tracks.length)
  view.setFloat64(16, position)
  view.setFloat64(24, previousAt)
  view.setUint32(32, cuePoints.length)
  let at = HEAD_BYTES
  for (const track of tracks) {
    encodeTrack(view, at, track)
    at += TRACK_BYTES
  }
  for (const { timeMs, trackNumber, clusterAt, relativePosition } of cuePoints) {
    view.setFloat64(at, timeMs)
    view.setFloat64(at + 8, clusterAt)
    view.setUint32(at + 16, relativePosition)
    view.setUint32(at + 20, trackNumber)
    at += CUE_POINT_BYTES
  }
  view.setUint32(8, crc32(content.subarray(12)))
  return bytes
}

function encodeTrack(view: DataView, at: number, { number, trackId, totals }: RecordedTrack): void {
  view.setUint16(at, number)
  view.setUint16(at + 2, trackId)
  encodeTotals(view, at + 4, totals)
}

/** The record in a Void's content, or undefined when it is none, damaged, or not from this place. */
export function decodeRecord(content: Uint8Array, position: number): Record | undefined {
  if (content.length < HEAD_BYTES || RECORD_MAGIC.some((byte, i) => content[i] !== byte)) return undefined
  const view = new DataView(content.buffer, content.byteOffset, content.length)
  if (view.getUint32(8) !== crc32(content.subarray(12)) || view.getFloat64(16) !== position) return undefined
  const trackCount = view.getUint16(14)
  const cuePointCount = view.getUint32(32)
  if (HEAD_BYTES + trackCount * TRACK_BYTES + cuePointCount * CUE_POINT_BYTES !== content.length) return undefined
  let at = HEAD_BYTES
  const tracks: RecordedTrack[] = []
  for (let i = 0; i < trackCount; i++, at += TRACK_BYTES) tracks.push(decodeTrack(view, at))
  const cuePoints: CuePoint[] = []
  for (let i = 0; i < cuePointCount; i++, at += CUE_POINT_BYTES) {
    cuePoints.push({
      timeMs: view.getFloat64(at),
      clusterAt: view.getFloat64(at + 8),
      relativePosition: view.getUint32(at + 16),
      trackNumber: view.getUint32(at + 20),
    })
  }
  return { position, level: view.getUint8(12), previousAt: view.getFloat64(24), tracks, cuePoints }
}

function decodeTrack(view: DataView, at: number): RecordedTrack {
  return {
    number: view.getUint16(at),
    trackId: view.getUint16(at + 2),
    totals: decodeTotals(view, at + 4),
  }
}
