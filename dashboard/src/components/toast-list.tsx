import { useApp } from '../state/context.ts'
import { useStore } from '../state/use-store.ts'
import { Icon } from './icon.tsx'

/** Messages in the corner. The regions exist before their messages, as screen readers need. */
export function ToastList() {
  const { toasts } = useApp()
  const shown = useStore(toasts.shown)
  const list = (kind: 'notice' | 'error') =>
    shown
      .filter((toast) => toast.kind === kind)
      .map((toast) => (
        <div key={toast.id} class={`toast toast-${kind}`}>
          <p>{toast.text}</p>
          <button
            type="button"
            class="icon-button"
            aria-label="Dismiss message"
            onClick={() => toasts.dismiss(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))
  return (
    <div class="toasts">
      <div role="alert">{list('error')}</div>
      <div role="status">{list('notice')}</div>
    </div>
  )
}
