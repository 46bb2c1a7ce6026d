import type { RecordingDocument } from '../api/documents.ts'

/** The state in a word, never by colour alone. A recording the disk refuses is called impaired. */
export function StateBadge({ recording }: { recording: RecordingDocument }) {
  const isImpaired = recording.state === 'recording' && recording.error !== null
  const word = isImpaired ? 'impaired' : recording.state
  return <span class={`badge badge-${word}`}>{word}</span>
}
