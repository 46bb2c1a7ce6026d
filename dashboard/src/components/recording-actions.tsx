import { useState } from 'preact/hooks'
import type { RecordingDocument } from '../api/documents.ts'
import { isActive } from '../state/active-recordings.ts'
import { useApp } from '../state/context.ts'
import { useCommand } from '../state/use-command.ts'
import { useMay } from '../state/use-may.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { Icon } from './icon.tsx'

/** What can be done with a recording: download, hold, its manifest, delete. */
export function RecordingActions({ recording }: { recording: RecordingDocument }) {
  const { client, feed } = useApp()
  const { isBusy, run } = useCommand()
  const mayRecord = useMay('record')
  const mayDelete = useMay('manage')
  const [isDeleting, setDeleting] = useState(false)
  const isGoingOn = isActive(recording)
  const command = (ask: () => Promise<RecordingDocument>) =>
    run(async () => {
      feed.tell(await ask())
    })
  const [onlyPart] = recording.parts
  return (
    <div class="row actions">
      {recording.parts.length === 1 && onlyPart !== undefined && !isGoingOn && (
        <a class="button" href={client.downloadUrl(recording.id, onlyPart.index)} download>
          <Icon name="download" /> Download
        </a>
      )}
      {recording.state === 'ready' && (
        <a class="button" href={client.manifestUrl(recording.id)} download={`${recording.id}.json`}>
          Manifest
        </a>
      )}
      {isGoingOn && mayRecord && (
        <button
          type="button"
          class="stop"
          disabled={isBusy || recording.state === 'finishing'}
          onClick={() => command(() => client.stop(recording.id))}
        >
          <span class="stop-square" aria-hidden="true" /> Stop
        </button>
      )}
      {mayRecord && (
        <button
          type="button"
          disabled={isBusy}
          aria-pressed={recording.held}
          title="Held recordings are never deleted, by nobody"
          onClick={() => command(() => client.setHeld(recording.id, !recording.held))}
        >
          <Icon name="lock" /> {recording.held ? 'Held' : 'Hold'}
        </button>
      )}
      {mayDelete && (
        <button type="button" class="push" disabled={isGoingOn || recording.held} onClick={() => setDeleting(true)}>
          <Icon name="trash" /> Delete
        </button>
      )}
      {isDeleting && (
        <DeleteDialog
          recording={recording}
          onClosed={() => setDeleting(false)}
          onDeleted={() => {
            location.hash = '#/library'
          }}
        />
      )}
    </div>
  )
}
