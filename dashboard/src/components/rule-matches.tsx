import type { RulePreview } from '../api/documents.ts'

/** Which live streams the rule matches as it is written. */
export function RuleMatches({ preview }: { preview: RulePreview | undefined }) {
  return (
    <p class="preview" aria-live="polite">
      {preview === undefined ? null : preview.total === 0 ? (
        'Matches no stream that is live now.'
      ) : (
        <>
          Matches now: <strong>{preview.streams.join(', ')}</strong>
          {preview.total > preview.streams.length && ` and ${preview.total - preview.streams.length} more`}
        </>
      )}
    </p>
  )
}
