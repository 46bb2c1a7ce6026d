import type { RecordingDocument } from '../api/documents.ts'
import { describeTrack, inOrder } from '../codec-names.ts'
import { formatBytes, formatDuration } from '../format.ts'
import { isBrowserContainer } from '../live/playability.ts'
import { useApp } from '../state/context.ts'
import { CopyField } from './copy-field.tsx'
import { Icon } from './icon.tsx'

/** The recording's files: where they lie, what they hold, and their checksums. */
export function PartsTable(props: {
  recording: RecordingDocument
  partIndex: number
  onPart: (index: number) => void
}) {
  const { recording, partIndex, onPart } = props
  const { client } = useApp()
  const isPlayable = isBrowserContainer(recording.format) && recording.parts.length > 1
  if (recording.parts.length === 0) return null
  return (
    <section aria-labelledby="parts-title">
      <h2 id="parts-title">Files</h2>
      <ol class="parts">
        {recording.parts.map((part) => (
          <li key={part.index} class="part" aria-current={isPlayable && part.index === partIndex ? 'true' : undefined}>
            <div class="row">
              <code class="part-path">{part.path}</code>
              {isPlayable && (
                <button
                  type="button"
                  class="icon-button push"
                  aria-label={`Play part ${part.index}`}
                  onClick={() => onPart(part.index)}
                >
                  <Icon name="play" />
                </button>
              )}
              <a
                class={`icon-button ${isPlayable ? '' : 'push'}`}
                href={client.downloadUrl(recording.id, part.index)}
                download
                aria-label={`Download part ${part.index}`}
              >
                <Icon name="download" />
              </a>
            </div>
            <p class="facts muted">
              <span>{formatDuration(part.durationMs)}</span>
              <span>{formatBytes(part.bytes)}</span>
              {inOrder(part.tracks).map((track) => (
                <span key={track.trackId} title={track.codecString}>
                  {describeTrack(track)}
                </span>
              ))}
              {part.state !== 'ready' && <span class="badge">{part.state}</span>}
            </p>
            {part.sha256 !== null && <CopyField name="SHA-256" value={part.sha256} isLabelled />}
          </li>
        ))}
      </ol>
    </section>
  )
}
