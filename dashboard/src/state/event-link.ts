import { EVENT_NAMES } from '../../../src/control/event-names.ts'
import type { ServerEvent } from '../api/documents.ts'

/** The server-sent events of `/events`. The browser reconnects by itself and asks for what it missed. */
export class EventLink {
  readonly #options: { url: () => string; onEvent: (event: ServerEvent) => void; onOpen: () => void }
  #source: EventSource | undefined

  constructor(options: { url: () => string; onEvent: (event: ServerEvent) => void; onOpen: () => void }) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#source?.readyState === EventSource.OPEN
  }

  /** Does nothing while open or connecting; opens anew what the server refused before. */
  open(): void {
    if (this.#source !== undefined && this.#source.readyState !== EventSource.CLOSED) return
    this.close()
    const source = new EventSource(this.#options.url())
    source.addEventListener('open', this.#options.onOpen)
    const take = (message: Event) => {
      const event = 'data' in message ? readEvent(String(message.data)) : undefined
      if (event !== undefined) this.#options.onEvent(event)
    }
    for (const type of EVENT_NAMES) source.addEventListener(type, take)
    this.#source = source
  }

  close(): void {
    this.#source?.close()
    this.#source = undefined
  }
}

/** `{id, type, at, data}` as the API sends it; anything else is ignored, so that a newer server can say more. */
function readEvent(text: string): ServerEvent | undefined {
  try {
    const message = JSON.parse(text) as { type?: string; data?: object }
    if (typeof message.type !== 'string' || typeof message.data !== 'object') return undefined
    return { ...message.data, type: message.type } as ServerEvent
  } catch {
    return undefined
  }
}
