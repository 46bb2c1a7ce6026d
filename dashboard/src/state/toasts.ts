import { Store } from './store.ts'

/** How long good news stays. Errors stay until dismissed: whoever looked away must still find them. */
const NOTICE_MS = 5_000
/** More than this at once is noise; the oldest makes room. */
const MAX_TOASTS = 4

/** A message to the person in front of the page. */
export interface Toast {
  readonly id: number
  readonly kind: 'notice' | 'error'
  readonly text: string
}

/** What is shown in the corner, oldest first. */
export class Toasts {
  readonly shown = new Store<readonly Toast[]>([])
  #lastId = 0

  notice(text: string): void {
    const id = this.#add('notice', text)
    setTimeout(() => this.dismiss(id), NOTICE_MS)
  }

  error(error: unknown): void {
    this.#add('error', error instanceof Error ? error.message : String(error))
  }

  dismiss(id: number): void {
    this.shown.update((toasts) => toasts.filter((toast) => toast.id !== id))
  }

  #add(kind: Toast['kind'], text: string): number {
    const id = ++this.#lastId
    this.shown.update((toasts) => {
      const others = toasts.filter((toast) => toast.kind !== kind || toast.text !== text)
      return [...others, { id, kind, text }].slice(-MAX_TOASTS)
    })
    return id
  }
}
