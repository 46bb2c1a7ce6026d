import { useEffect, useRef } from 'preact/hooks'
import type { RecordingDocument } from '../api/documents.ts'
import { count, formatBytes, formatDuration, formatMoment } from '../format.ts'
import { useApp } from '../state/context.ts'
import { useCommand } from '../state/use-command.ts'

/**
 * Asks before files are gone for good. The browser's modal dialog keeps the focus inside, closes with Escape and gives
 * the focus back to the button that opened it; that one may be gone afterwards, so the library's title takes over.
 */
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
  const dialog = useRef<HTMLDialogElement>(null)
  const { isBusy, run } = useCommand()
  useEffect(() => dialog.current?.showModal(), [])
  const titleId = `delete-${recording.id}`

  const remove = () =>
    run(async () => {
      try {
        await client.remove(recording.id)
      } finally {
        dialog.current?.close()
      }
      toasts.notice(`Recording of ${recording.stream} deleted.`)
      feed.forget(recording)
      onDeleted?.()
      document.getElementById('library-title')?.focus()
    })
  const moment = formatMoment(recording.startedAt ?? recording.requestedAt, Date.now())
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={onClosed}>
      <h2 id={titleId}>Delete this recording?</h2>
      <p>
        {recording.stream}, {moment}: {formatDuration(recording.durationMs)}, {formatBytes(recording.bytes)} in{' '}
        {count(recording.parts.length, 'file')}. This can't be undone.
      </p>
      <div class="row dialog-actions">
        {/* First in the order and in focus: whoever presses Enter without reading keeps the files. */}
        <button type="button" autofocus onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={isBusy} onClick={remove}>
          {isBusy ? 'Deleting…' : 'Delete'}
        </button>
      </div>
    </dialog>
  )
}
