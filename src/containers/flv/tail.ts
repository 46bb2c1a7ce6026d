import type { ReadableBytes } from '../container.ts'
import { DamagedError, NotOursError, TornHeadError } from '../errors.ts'
import { CHECKPOINT_MAGIC, type Checkpoint, type CheckpointTrack, decodeCheckpoint } from './checkpoint.ts'
import { beginsFile, FILE_HEADER_BYTES, isFileHeader } from './file-header.ts'
import { KeyFrameIndex, type KeyFrameIndexState } from './key-frame-index.ts'
import { indexCapacity, type Metadata, readMetadata } from './metadata.ts'
import { isPreviousTagSize, readTagHeader, TAG_FRAMING_BYTES, TAG_HEADER_BYTES, TagType } from './tag.ts'
import { TagScanner } from './tag-scanner.ts'

/** Read at a time, at least; a larger tag is read whole. */
const PIECE_BYTES = 1024 * 1024

/** A clean end is found in the first piece from the end, so that one is small. */
const LAST_PIECE_BYTES = 64 * 1024

/** Configuration tags may stand between the room and the first checkpoint: two per track of every kind at most. */
const MAX_HEAD_TAGS = 1024

/** What is in the file up to the end of its last whole access unit. */
export interface FlvTail {
  readonly checkpoint: Checkpoint
  readonly metadata: Metadata
  readonly tracks: readonly CheckpointTrack[]
  readonly index: KeyFrameIndexState
  /** Bytes up to and including the last whole access unit (or checkpoint). */
  readonly goodBytes: number
  readonly lastTimestampMs: number
  /** What `goodBytes` end with is the checkpoint of a proper end. */
  readonly endsWithEndCheckpoint: boolean
}

/**
 * Finds the last checkpoint and counts on from there: a few mebibytes of reading, whatever the length of the file.
 * @throws {NotOursError} not written by Tapedeck
 * @throws {TornHeadError} ends before its first checkpoint
 * @throws {DamagedError} has another thing where that should be
 */
export async function readTail(part: ReadableBytes): Promise<FlvTail> {
  const { first, metadata } = await readHead(part)
  const last = (await lastCheckpoint(part)) ?? first
  const checkpoint = last.checkpoint
  const entries = await allEntries(part, checkpoint)
  const index = new KeyFrameIndex(indexCapacity(checkpoint.roomBytes), {
    stride: checkpoint.stride,
    seen: checkpoint.seenKeyFrames,
    entries,
  })
  const scanner = new TagScanner(checkpoint, index, last.end)
  for (let position = last.end, wanted = PIECE_BYTES; position < part.sizeBytes; ) {
    const piece = await part.read(position, wanted)
    const { usedBytes, goesOn } = scanner.scan(piece, position)
    if (!goesOn || (usedBytes === 0 && piece.length < wanted)) break
    // A tag larger than the piece: its header tells how much to read.
    const header = readTagHeader(piece, usedBytes)
    wanted = Math.max(PIECE_BYTES, header === undefined ? 0 : header.bodyBytes + TAG_FRAMING_BYTES)
    position += usedBytes
  }
  const { goodBytes, tracks, lastTimestampMs } = scanner
  const endsWithEndCheckpoint = checkpoint.isEnd && goodBytes === last.end
  return { checkpoint, metadata, tracks, index: index.state, goodBytes, lastTimestampMs, endsWithEndCheckpoint }
}

interface FoundCheckpoint {
  readonly checkpoint: Checkpoint
  /** End of its tag in the file. */
  readonly end: number
}

/** The file header, onMetaData and the first checkpoint: what makes the file ours. */
async function readHead(part: ReadableBytes): Promise<{ first: FoundCheckpoint; metadata: Metadata }> {
  const start = await part.read(0, FILE_HEADER_BYTES)
  if (start.length < FILE_HEADER_BYTES && beginsFile(start)) throw new TornHeadError('FLV')
  if (!isFileHeader(start)) throw new NotOursError('FLV', 'no FLV header')
  const scriptHeader = await part.read(FILE_HEADER_BYTES, TAG_HEADER_BYTES)
  if (scriptHeader.length < TAG_HEADER_BYTES) throw new TornHeadError('FLV')
  const script = readTagHeader(scriptHeader, 0)
  if (script === undefined || script.type !== TagType.script)
    throw new NotOursError('FLV', 'no onMetaData at its start')
  const scriptBytes = TAG_FRAMING_BYTES + script.bodyBytes
  const room = await part.read(FILE_HEADER_BYTES, scriptBytes)
  if (room.length < scriptBytes) throw new TornHeadError('FLV')
  const metadata = readMetadata(room, script.bodyBytes)
  if (metadata?.['encoder'] !== 'Tapedeck') throw new NotOursError('FLV', 'another program wrote its onMetaData')
  return { first: await firstCheckpoint(part, FILE_HEADER_BYTES + scriptBytes), metadata }
}

/** @param position behind onMetaData, where a tag fills the rest of its room */
async function firstCheckpoint(part: ReadableBytes, position: number): Promise<FoundCheckpoint> {
  for (let at = position, tags = 0, fillers = 0; tags < MAX_HEAD_TAGS; tags++) {
    const found = await checkpointAt(part, at)
    if (found !== undefined) return found
    const start = await part.read(at, TAG_HEADER_BYTES)
    if (start.length < TAG_HEADER_BYTES) throw new TornHeadError('FLV')
    const header = readTagHeader(start, 0)
    if (header === undefined) break
    at += TAG_FRAMING_BYTES + header.bodyBytes
    if (at > part.sizeBytes) throw new TornHeadError('FLV')
    // There is one, so what follows it would be media.
    if (header.type === TagType.reserve && ++fillers > 1) break
  }
  throw new DamagedError('FLV', 'its first checkpoint is not there')
}

/** Looks backwards from the end. */
async function lastCheckpoint(part: ReadableBytes): Promise<FoundCheckpoint | undefined> {
  let end = part.sizeBytes
  for (let wanted = LAST_PIECE_BYTES; end > 0; wanted = PIECE_BYTES) {
    const start = Math.max(0, end - wanted)
    // Pieces overlap by a magic, which may lie across their border.
    const piece = Buffer.from(await part.read(start, end - start + CHECKPOINT_MAGIC.length))
    for (let at = piece.lastIndexOf(CHECKPOINT_MAGIC); at >= 0; at = piece.lastIndexOf(CHECKPOINT_MAGIC, at - 1)) {
      const found = await checkpointAt(part, start + at - TAG_HEADER_BYTES)
      if (found !== undefined) return found
      if (at === 0) break
    }
    end = start
  }
  return undefined
}

async function checkpointAt(part: ReadableBytes, position: number): Promise<FoundCheckpoint | undefined> {
  if (position < 0) return undefined
  const header = readTagHeader(await part.read(position, TAG_HEADER_BYTES), 0)
  if (header === undefined || header.type !== TagType.reserve) return undefined
  const tag = await part.read(position, TAG_FRAMING_BYTES + header.bodyBytes)
  const bodyEnd = TAG_HEADER_BYTES + header.bodyBytes
  if (!isPreviousTagSize(tag, bodyEnd, header.bodyBytes)) return undefined
  const checkpoint = decodeCheckpoint(tag.subarray(TAG_HEADER_BYTES, bodyEnd), position)
  return checkpoint && { checkpoint, end: position + tag.length }
}

/** The key frames up to a checkpoint: its base's, then its own. */
async function allEntries(part: ReadableBytes, checkpoint: Checkpoint) {
  if (checkpoint.basePosition === 0) return checkpoint.entries
  const base = await checkpointAt(part, checkpoint.basePosition)
  // Without its base, an index of the newest key frames alone is still true.
  return [...(base?.checkpoint.entries ?? []), ...checkpoint.entries]
}
