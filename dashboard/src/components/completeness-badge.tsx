import type { RecordingDocument } from '../api/documents.ts'
import { completeness } from '../state/completeness.ts'

/** What the ledger says: complete, or how much is missing. A recording still going on is not judged complete. */
export function CompletenessBadge({ recording }: { recording: RecordingDocument }) {
  const { isComplete, text } = completeness(recording)
  if (isComplete && recording.state !== 'ready') return null
  return <span class={isComplete ? 'badge badge-complete' : 'badge badge-gaps'}>{text}</span>
}
