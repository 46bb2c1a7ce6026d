import { ProblemError } from '../api/problem.ts'
import type { Feed } from './feed.ts'
import { Store } from './store.ts'

/** Several events of one moment become one question. */
const EVENT_DELAY_MS = 150

/** What the server answered last, or why it refuses. Both undefined: not answered yet. */
export interface FollowedState<Value> {
  readonly value: Value | undefined
  readonly refusal: string | undefined
}

/** How something is followed. */
export interface FollowedOptions<Value> {
  readonly ask: () => Promise<Value>
  readonly feed: Pick<Feed, 'onEvent' | 'onResync'>
  /** Asks anew after events of these types. */
  readonly concerns: (eventType: string) => boolean
  /** Asks anew this often, for what has no events. */
  readonly everyMs: number
}

/** Something the server knows, kept up to date while somebody looks at it, and remembered meanwhile. */
export class Followed<Value> {
  readonly state = new Store<FollowedState<Value>>({ value: undefined, refusal: undefined })
  readonly #options: FollowedOptions<Value>
  #periodTimer: ReturnType<typeof setTimeout> | undefined
  /** Of its own: an event that comes while an answer is on its way is about what that answer may not know. */
  #newsTimer: ReturnType<typeof setTimeout> | undefined
  #followers = 0
  #unlisten: readonly (() => void)[] = []
  #asked = 0

  constructor(options: FollowedOptions<Value>) {
    this.#options = options
  }

  /** Begins to ask; returns the way to stop. */
  follow(): () => void {
    if (++this.#followers === 1) this.#begin()
    return () => {
      if (--this.#followers === 0) this.#end()
    }
  }

  /** Asks now. The answer to an older question is dropped. Never rejects: who is away is waited for. */
  async load(): Promise<void> {
    this.#clearTimers()
    const turn = ++this.#asked
    try {
      const value = await this.#options.ask()
      if (turn === this.#asked) this.state.set({ value, refusal: undefined })
    } catch (error) {
      // Away, or without a token: the page says so above, and resyncs when it is over.
      const isOurs = error instanceof ProblemError && error.status !== 401
      if (turn === this.#asked && isOurs) this.state.update((state) => ({ ...state, refusal: error.message }))
    }
    if (turn !== this.#asked || this.#followers === 0) return
    this.#periodTimer = setTimeout(() => void this.load(), this.#options.everyMs)
  }

  /** Puts in what a command answered, before the list tells. */
  tell(change: (value: Value) => Value): void {
    this.#asked++ // an answer that is on its way is older
    this.state.update(({ value }) => ({ value: value === undefined ? undefined : change(value), refusal: undefined }))
    this.#loadSoon()
  }

  #begin(): void {
    const { feed, concerns } = this.#options
    this.#unlisten = [
      feed.onResync(() => void this.load()),
      feed.onEvent((type) => {
        if (concerns(type)) this.#loadSoon()
      }),
    ]
    void this.load()
  }

  #end(): void {
    this.#clearTimers()
    for (const unlisten of this.#unlisten) unlisten()
  }

  #loadSoon(): void {
    clearTimeout(this.#newsTimer)
    if (this.#followers > 0) this.#newsTimer = setTimeout(() => void this.load(), EVENT_DELAY_MS)
  }

  #clearTimers(): void {
    clearTimeout(this.#periodTimer)
    clearTimeout(this.#newsTimer)
  }
}
