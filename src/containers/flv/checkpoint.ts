import { crc32 } from 'node:zlib'
import type { Codec } from '#media/codec.ts'
import { decodeTotals, encodeTotals, TOTALS_BYTES, type TotalsState } from '../track-totals.ts'
import type { KeyFrameEntry } from './key-frame-index.ts'

/**
 * What we know of the file at one place in it: totals per track and the key frames. It travels in tags of a reserved
 * type, which every reader skips, so that finishing and appending read little more than the last of them.
 */
export interface Checkpoint {
  /** Where its tag begins: proves that the bytes were written here. */
  readonly position: number
  /** The checkpoint whose entries come before these; 0 when these are all. */
  readonly basePosition: number
  readonly createdAtMs: number
  /** Bytes between file header and first checkpoint that onMetaData may fill. */
  readonly roomBytes: number
  /** Written at the end of a part: nothing followed. */
  readonly isEnd: boolean
  readonly stride: number
  readonly seenKeyFrames: number
  readonly entries: readonly KeyFrameEntry[]
  readonly tracks: readonly CheckpointTrack[]
}

export interface CheckpointTrack {
  readonly trackId: number
  readonly codec: Codec
  readonly multitrackId: number
  /** CRC-32 of the codec configuration in force. */
  readonly configurationCrc: number
  readonly totals: TotalsState
}

/** Start of every checkpoint's body; with a CRC and the position behind it, media can't look like one by chance. */
export const CHECKPOINT_MAGIC = Uint8Array.from([...'TapedeckFLV\x01'].map((character) => character.charCodeAt(0)))
const HEAD_BYTES = 64
const TRACK_BYTES = 8 + TOTALS_BYTES
const ENTRY_BYTES = 12

/** Codecs by number. Append only: files hold these numbers. */
const CODECS: readonly Codec[] = [
  ...(['h264', 'h265', 'av1', 'vp9', 'vp8'] as const),
  ...(['aac', 'mp3', 'opus', 'flac', 'ac3', 'eac3', 'pcma', 'pcmu'] as const),
]

/** The body of a checkpoint's tag. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { tracks, entries } = checkpoint
  const bytes = new Uint8Array(HEAD_BYTES + tracks.length * TRACK_BYTES + entries.length * ENTRY_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(CHECKPOINT_MAGIC)
  // 12: CRC of everything behind it
  view.setFloat64(16, checkpoint.position)
  view.setFloat64(24, checkpoint.basePosition)
  view.setFloat64(32, checkpoint.createdAtMs)
  view.setUint32(40, checkpoint.roomBytes)
  view.setUint32(44, checkpoint.stride)
  view.setUint32(48, checkpoint.seenKeyFrames)
  view.setUint32(52, entries.length)
  view.setUint16(56, tracks.length)
  view.setUint8(58, checkpoint.isEnd ? 1 : 0)
  let at = HEAD_BYTES
  for (const track of tracks) {
    encodeTrack(view, at, track)
    at += TRACK_BYTES
  }
  for (const { position, timeMs } of entries) {
    view.setFloat64(at, position)
    view.setUint32(at + 8, timeMs)
    at += ENTRY_BYTES
  }
  view.setUint32(12, crc32(bytes.subarray(16)))
  return bytes
}

function encodeTrack(view: DataView, at: number, track: CheckpointTrack): void {
  const { totals } = track
  view.setUint16(at, track.trackId)
  view.setUint8(at + 2, CODECS.indexOf(track.codec))
  view.setUint8(at + 3, track.multitrackId)
  view.setUint32(at + 4, track.configurationCrc)
  encodeTotals(view, at + 8, totals)
}

/** The checkpoint in this tag body, or undefined when it is none, damaged, or not from this place. */
export function decodeCheckpoint(body: Uint8Array, position: number): Checkpoint | undefined {
  if (body.length < HEAD_BYTES || CHECKPOINT_MAGIC.some((byte, i) => body[i] !== byte)) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  if (view.getUint32(12) !== crc32(body.subarray(16)) || view.getFloat64(16) !== position) return undefined
  const entryCount = view.getUint32(52)
  const trackCount = view.getUint16(56)
  if (HEAD_BYTES + trackCount * TRACK_BYTES + entryCount * ENTRY_BYTES !== body.length) return undefined
  const tracks: CheckpointTrack[] = []
  let at = HEAD_BYTES
  for (let i = 0; i < trackCount; i++, at += TRACK_BYTES) {
    const track = decodeTrack(view, at)
    if (track === undefined) return undefined
    tracks.push(track)
  }
  const entries: KeyFrameEntry[] = []
  for (let i = 0; i < entryCount; i++, at += ENTRY_BYTES) {
    entries.push({ position: view.getFloat64(at), timeMs: view.getUint32(at + 8) })
  }
  return {
    position,
    basePosition: view.getFloat64(24),
    createdAtMs: view.getFloat64(32),
    roomBytes: view.getUint32(40),
    isEnd: view.getUint8(58) === 1,
    stride: view.getUint32(44),
    seenKeyFrames: view.getUint32(48),
    entries,
    tracks,
  }
}

function decodeTrack(view: DataView, at: number): CheckpointTrack | undefined {
  const codec = CODECS[view.getUint8(at + 2)]
  if (codec === undefined) return undefined
  return {
    trackId: view.getUint16(at),
    codec,
    multitrackId: view.getUint8(at + 3),
    configurationCrc: view.getUint32(at + 4),
    totals: decodeTotals(view, at + 8),
  }
}
