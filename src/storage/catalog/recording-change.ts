import type { GapDocument, PartDocument, RecordingDocument } from '../recording-document.ts'

/** What of a recording differs from when it was saved last. */
export interface RecordingChange {
  /** As it is now, without what can be many. */
  readonly recording: Omit<RecordingDocument, 'parts'>
  readonly parts: readonly PartDocument[]
  /** With their positions in the ledger. */
  readonly gaps: readonly (readonly [position: number, gap: GapDocument])[]
}

/**
 * The change from one document of a recording to the next; undefined when the whole has to be saved. Parts and gaps that
 * are the same objects are taken for unchanged, so that a recording of thousands of parts costs what its newest cost.
 */
export function changeBetween(before: RecordingDocument, after: RecordingDocument): RecordingChange | undefined {
  const { parts, ...rest } = after
  const { gaps } = rest.ledger
  // Tracks are few, and come with the rest.
  const isSmaller = gaps.length < before.ledger.gaps.length || rest.ledger.tracks.length < before.ledger.tracks.length
  const isOther = before.parts.some(({ index }, position) => parts[position]?.index !== index)
  if (isSmaller || isOther) return undefined
  return {
    recording: { ...rest, ledger: { ...rest.ledger, gaps: [] } },
    parts: parts.filter((part, position) => part !== before.parts[position]),
    gaps: [...gaps.entries()].filter(([position, gap]) => gap !== before.ledger.gaps[position]),
  }
}
