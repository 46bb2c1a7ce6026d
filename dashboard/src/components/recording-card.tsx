import { useState } from 'preact/hooks'
import type { RecordingDocument } from '../api/documents.ts'
import { containerName } from '../codec-names.ts'
import { formatBytes, formatDuration, formatMoment, isoDuration } from '../format.ts'
import { isActive } from '../state/active-recordings.ts'
import { recordingHref } from '../state/route.ts'
import { useMay } from '../state/use-may.ts'
import { CompletenessBadge } from './completeness-badge.tsx'
import { DeleteDialog } from './delete-dialog.tsx'
import { Icon } from './icon.tsx'
import { Poster } from './poster.tsx'
import { StateBadge } from './state-badge.tsx'

/** One recording in the library. The title's link covers the whole card (style.css), picture included. */
export function RecordingCard({ recording }: { recording: RecordingDocument }) {
  const mayDelete = useMay('manage')
  const [isDeleting, setDeleting] = useState(false)
  const moment = recording.startedAt ?? recording.requestedAt
  const when = formatMoment(moment, Date.now())
  const name = `${recording.stream}, ${when}`
  return (
    <li class="card" data-recording={recording.id}>
      <div class="poster-box">
        <Poster recording={recording} />
        <time class="duration" dateTime={isoDuration(recording.durationMs)}>
          {formatDuration(recording.durationMs)}
        </time>
      </div>
      <div class="card-body">
        <h2 class="card-title">
          <a class="covers-card" href={recordingHref(recording.id)} aria-label={`Open recording of ${name}`}>
            {recording.stream}
          </a>
        </h2>
        <p class="facts muted">
          <time dateTime={moment}>{when}</time>
          <span>{containerName(recording.format)}</span>
          <span>{formatBytes(recording.bytes)}</span>
        </p>
        <div class="card-foot">
          <StateBadge recording={recording} />
          <CompletenessBadge recording={recording} />
          {mayDelete && (
            <button
              type="button"
              class="icon-button push"
              disabled={isActive(recording) || recording.held}
              title={recording.held ? 'Held recordings are never deleted' : undefined}
              aria-label={`Delete recording of ${name}`}
              onClick={() => setDeleting(true)}
            >
              <Icon name={recording.held ? 'lock' : 'trash'} />
            </button>
          )}
        </div>
        {recording.error !== null && <p class="reason">{recording.error.message}</p>}
      </div>
      {isDeleting && <DeleteDialog recording={recording} onClosed={() => setDeleting(false)} />}
    </li>
  )
}
