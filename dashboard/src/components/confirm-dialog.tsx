import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { useCommand } from '../state/use-command.ts'

/**
 * Asks before something is gone for good. The browser's modal dialog keeps the focus inside, closes with Escape and
 * gives the focus back to the button that opened it; that one may be gone afterwards, so `onConfirmed` says where to go.
 */
export function ConfirmDialog(props: {
  title: string
  children: ComponentChildren
  /** What the button says, and while it is done. */
  action: string
  doing: string
  onConfirm: () => Promise<void>
  /** After success, with the dialog closed. */
  onConfirmed: () => void
  onClosed: () => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const { isBusy, run } = useCommand()
  const titleId = useId()
  useEffect(() => dialog.current?.showModal(), [])

  const confirm = () =>
    run(async () => {
      try {
        await props.onConfirm()
      } finally {
        dialog.current?.close()
      }
      props.onConfirmed()
    })
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={props.onClosed}>
      <h2 id={titleId}>{props.title}</h2>
      {props.children}
      <div class="row dialog-actions">
        {/* First in the order and in focus: whoever presses Enter without reading keeps what is there. */}
        <button type="button" autofocus onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={isBusy} onClick={confirm}>
          {isBusy ? props.doing : props.action}
        </button>
      </div>
    </dialog>
  )
}
