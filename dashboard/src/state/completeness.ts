import type { RecordingDocument } from '../api/documents.ts'
import { count } from '../format.ts'

/** What the ledger proves, in a few words. */
export interface Completeness {
  readonly isComplete: boolean
  /** `complete`, or `3 gaps, 12 lost`. */
  readonly text: string
}

/** Sums up a recording's ledger: nothing lost and no gap is complete. */
export function completeness(recording: RecordingDocument): Completeness {
  const gaps = recording.ledger.gaps.length
  const lost = recording.ledger.tracks.reduce((sum, track) => sum + track.lost, 0)
  if (gaps === 0 && lost === 0) return { isComplete: true, text: 'complete' }
  const words = [...(gaps > 0 ? [count(gaps, 'gap')] : []), ...(lost > 0 ? [count(lost, 'lost', 'lost')] : [])]
  return { isComplete: false, text: words.join(', ') }
}
