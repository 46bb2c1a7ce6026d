import { crc32 } from 'node:zlib'
import { ascii, type Bytes, boxHeader, join, serialize, u32, u64 } from './box.ts'
import { typeAt, uint64At, viewOf } from './box-reader.ts'
import type { SampleSection } from './sample-section.ts'

/**
 * An index checkpoint: a `free` box between two fragments with the tables of all samples since the checkpoint before,
 * in final form. Finishing joins them instead of reading a fragment header per second of recording.
 */
export interface Checkpoint {
  /** Of the box itself: one that was moved, or read from a wrong place, is not believed. */
  readonly position: number
  /** The first byte after the checkpoint before (or where fragments begin). It covers everything from there to itself. */
  readonly coversFrom: number
  /** The checkpoints before it, newest first, at most MAX_PREVIOUS: so that many can be read at once. */
  readonly previous: readonly CheckpointPlace[]
  readonly sections: ReadonlyMap<number, SampleSection>
}

export interface CheckpointPlace {
  readonly position: number
  readonly sizeBytes: number
}

export const MAX_PREVIOUS = 64

/**
 * A new one is written when the tables since the last reach this: that bounds the writer's memory. It grows with the
 * recording (about an hour makes 64 small ones), because finishing pays for each one it reads.
 */
export const checkpointTableBytes = (checkpoints: number): number =>
  checkpoints < MAX_PREVIOUS ? 32 * 1024 : 96 * 1024

/** Larger than any checkpoint: tables, one fragment more than the threshold, a hundred tracks. */
export const MAX_CHECKPOINT_BYTES = 16 * 1024 * 1024

const MAGIC = 'tdindex1'
const CRC_AT = 16
const BODY_AT = 20
export const CHECKPOINT_PROBE_BYTES = BODY_AT

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { position, coversFrom, previous, sections } = checkpoint
  const body = join([
    u64(position),
    u64(coversFrom),
    u32(previous.length),
    ...previous.flatMap((place) => [u64(place.position), u32(place.sizeBytes)]),
    u32(sections.size),
    ...[...sections].map(([trackId, section]) => encodeSection(trackId, section)),
  ])
  const bytes = serialize(join([boxHeader('free', BODY_AT + body.length), ascii(MAGIC), u32(0), body]))
  viewOf(bytes).setUint32(CRC_AT, crc32(bytes.subarray(BODY_AT)))
  return bytes
}

function encodeSection(trackId: number, section: SampleSection): Bytes {
  const tables = tablesOf(section)
  return join([
    u32(trackId, section.samples, section.syncSamples, section.chunks),
    u64(section.payloadBytes),
    u64(section.firstDts),
    u64(section.endDts),
    u64(section.minPts),
    u64(section.maxEndPts),
    u64(section.minCompositionOffset),
    u64(section.maxCompositionOffset),
    u32(...tables.map((table) => table.length)),
    ...tables,
  ])
}

const tablesOf = (section: SampleSection): readonly Uint8Array[] => [
  section.sizes,
  section.durations,
  section.compositionOffsets,
  section.syncNumbers,
  section.chunkOffsets,
  section.chunkRuns,
]

/** True for the first CHECKPOINT_PROBE_BYTES of a checkpoint. */
export const looksLikeCheckpoint = (bytes: Uint8Array): boolean =>
  bytes.length >= CHECKPOINT_PROBE_BYTES &&
  typeAt(bytes, 4) === 'free' &&
  typeAt(bytes, 8) + typeAt(bytes, 12) === MAGIC

/** Undefined when anything contradicts: torn, moved, overwritten. The tables borrow from `bytes`. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint | undefined {
  if (!looksLikeCheckpoint(bytes)) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(0) !== bytes.length || view.getUint32(CRC_AT) !== crc32(bytes.subarray(BODY_AT))) return undefined
  try {
    return decodeBody(bytes, view)
  } catch (error) {
    if (error instanceof RangeError) return undefined // counts reach beyond the box
    throw error
  }
}

function decodeBody(bytes: Uint8Array, view: DataView): Checkpoint | undefined {
  const position = uint64At(view, BODY_AT)
  const coversFrom = uint64At(view, BODY_AT + 8)
  const previousCount = view.getUint32(BODY_AT + 16)
  if (previousCount > MAX_PREVIOUS) return undefined
  let at = BODY_AT + 20
  const previous: CheckpointPlace[] = []
  for (let i = 0; i < previousCount; i++, at += 12) {
    previous.push({ position: uint64At(view, at), sizeBytes: view.getUint32(at + 8) })
  }
  const sections = new Map<number, SampleSection>()
  const count = view.getUint32(at)
  at += 4
  for (let i = 0; i < count; i++) {
    const fieldsAt = at
    const field = (index: number) => view.getUint32(fieldsAt + 4 * index)
    const wide = (index: number) => Number(view.getBigInt64(fieldsAt + 16 + 8 * index))
    at += 16 + 56 + 24
    const table = (index: number) => {
      const length = view.getUint32(fieldsAt + 72 + 4 * index)
      if (at + length > bytes.length) throw new RangeError('table beyond its checkpoint')
      at += length
      return bytes.subarray(at - length, at)
    }
    const section: SampleSection = {
      samples: field(1),
      syncSamples: field(2),
      chunks: field(3),
      payloadBytes: wide(0),
      firstDts: wide(1),
      endDts: wide(2),
      minPts: wide(3),
      maxEndPts: wide(4),
      minCompositionOffset: wide(5),
      maxCompositionOffset: wide(6),
      sizes: table(0),
      durations: table(1),
      compositionOffsets: table(2),
      syncNumbers: table(3),
      chunkOffsets: table(4),
      chunkRuns: table(5),
    }
    const consistent =
      section.sizes.length === 4 * section.samples &&
      section.syncNumbers.length === 4 * section.syncSamples &&
      section.chunkOffsets.length === 8 * section.chunks
    if (!consistent) return undefined
    sections.set(field(0), section)
  }
  return { position, coversFrom, previous, sections }
}
