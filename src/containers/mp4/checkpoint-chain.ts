import type { ReadableBytes } from '#containers/container.ts'
import { parseBoxHeader, viewOf } from './box-reader.ts'
import {
  CHECKPOINT_PROBE_BYTES,
  type Checkpoint,
  type CheckpointPlace,
  decodeCheckpoint,
  looksLikeCheckpoint,
  MAX_CHECKPOINT_BYTES,
} from './checkpoint.ts'
import type { Layout } from './layout.ts'
import type { SampleSection } from './sample-section.ts'

export interface CheckpointChain {
  /** Oldest first. */
  readonly checkpoints: readonly Checkpoint[]
  /** After the newest: fragments from here on are in no checkpoint. */
  readonly endAt: number
}

type Placed = Checkpoint & CheckpointPlace

/**
 * All checkpoints of an unfinished part, or undefined when there are none or they don't cover everything from the first
 * fragment on without a gap.
 */
export async function readCheckpoints(
  part: ReadableBytes,
  layout: Layout,
  before: ReadonlyMap<number, readonly SampleSection[]>,
): Promise<CheckpointChain | undefined> {
  const newest = await probe(part, layout)
  if (newest === undefined) return undefined
  const found: Placed[] = []
  let wanted: readonly CheckpointPlace[] = [newest]
  while (wanted.length > 0) {
    const batch = await Promise.all(wanted.map((place) => readCheckpoint(part, place)))
    for (const checkpoint of batch) {
      if (checkpoint === undefined) return undefined
      found.push(checkpoint)
    }
    // Newest first all along: the oldest read so far names those before it
    wanted = found.at(-1)?.previous ?? []
  }
  found.reverse()
  return isGapless(found, layout.tailAt, before) ? { checkpoints: found, endAt: endOf(newest) } : undefined
}

/** Place of the newest checkpoint, if the pointer leads to one. One from before an append counts no more. */
async function probe(part: ReadableBytes, layout: Layout): Promise<CheckpointPlace | undefined> {
  const position = layout.room.checkpointAt
  if (position < layout.tailAt || position >= part.sizeBytes) return undefined
  const head = await part.read(position, CHECKPOINT_PROBE_BYTES)
  const sizeBytes = parseBoxHeader(head)?.sizeBytes ?? 0
  if (!looksLikeCheckpoint(head) || sizeBytes > MAX_CHECKPOINT_BYTES) return undefined
  return { position, sizeBytes }
}

async function readCheckpoint(part: ReadableBytes, place: CheckpointPlace): Promise<Placed | undefined> {
  if (place.sizeBytes > MAX_CHECKPOINT_BYTES) return undefined
  const checkpoint = decodeCheckpoint(await part.read(place.position, place.sizeBytes))
  if (checkpoint === undefined || checkpoint.position !== place.position) return undefined
  // Strictly backwards, or a forged file could keep us reading
  if (checkpoint.previous.some((earlier) => earlier.position >= place.position)) return undefined
  return { ...checkpoint, ...place }
}

/** Bytes and chunk numbers go on without a gap from checkpoint to checkpoint. */
function isGapless(
  checkpoints: readonly Placed[],
  start: number,
  before: ReadonlyMap<number, readonly SampleSection[]>,
): boolean {
  const chunks = new Map<number, number>()
  for (const [trackId, sections] of before) {
    chunks.set(
      trackId,
      sections.reduce((sum, section) => sum + section.chunks, 0),
    )
  }
  let covered = start
  for (const checkpoint of checkpoints) {
    if (checkpoint.coversFrom !== covered) return false
    covered = endOf(checkpoint)
    for (const [trackId, section] of checkpoint.sections) {
      const chunksBefore = chunks.get(trackId)
      if (chunksBefore === undefined || section.chunkRuns.length < 12) return false
      if (viewOf(section.chunkRuns).getUint32(0) !== chunksBefore + 1) return false
      chunks.set(trackId, chunksBefore + section.chunks)
    }
  }
  return true
}

const endOf = (place: CheckpointPlace): number => place.position + place.sizeBytes
