import type { RecordingDocument } from '../api/documents.ts'
import { count, formatBytes, formatDuration, formatMoment } from '../format.ts'
import { useApp } from '../state/context.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'

/** Asks before the files of a recording are gone; its card goes with them, so the library's title takes the focus. */
export function DeleteDialog({
  recording,
  onClosed,
  onDeleted,
}: {
  recording: RecordingDocument
  onClosed: () => void
  onDeleted?: () => void
}) {
  const { client, feed, toasts } = useApp()
  const moment = formatMoment(recording.startedAt ?? recording.requestedAt, Date.now())
  return (
    <ConfirmDialog
      title="Delete this recording?"
      action="Delete"
      doing="Deleting…"
      onClosed={onClosed}
      onConfirm={() => client.remove(recording.id)}
      onConfirmed={() => {
        toasts.notice(`Recording of ${recording.stream} deleted.`)
        feed.forget(recording)
        onDeleted?.()
        document.getElementById('library-title')?.focus()
      }}
    >
      <p>
        {recording.stream}, {moment}: {formatDuration(recording.durationMs)}, {formatBytes(recording.bytes)} in{' '}
        {count(recording.parts.length, 'file')}. This can't be undone.
      </p>
    </ConfirmDialog>
  )
}
