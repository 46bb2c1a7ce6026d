import { setTimeout as sleep } from 'node:timers/promises'
import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import type { EvoEvent } from './event.ts'

/** Events that wait for a slow sink; then the oldest are lost. */
const MAX_WAITING = 2_000

/** How long the end of the server waits for what is still on its way. */
const CLOSE_PATIENCE_MS = 3_000

/** Where events go. */
export interface EventSink extends AsyncDisposable {
  /** Never waits, never throws. */
  push(event: EvoEvent): void
}

/** Hands events on one at a time, in order, to something that may be slow or dead. */
export class SinkQueue implements EventSink {
  readonly #deliver: (event: EvoEvent, signal: AbortSignal) => Promise<void>
  readonly #wants: (event: EvoEvent) => boolean
  readonly #waiting: EvoEvent[] = []
  readonly #ending = new AbortController()
  readonly #lost: LogLimit<{ readonly type: string; readonly reason: unknown }>
  #working: Promise<void> | undefined

  /**
   * @param deliver throws when the event can't be delivered; then it is lost
   * @param enabledEvents absent: all
   */
  constructor(
    runtime: Runtime,
    name: string,
    enabledEvents: readonly string[] | undefined,
    deliver: (event: EvoEvent, signal: AbortSignal) => Promise<void>,
  ) {
    this.#deliver = deliver
    const enabled = enabledEvents === undefined ? undefined : new Set(enabledEvents)
    this.#wants = ({ type }) => enabled?.has(type) ?? true
    this.#lost = new LogLimit(runtime.monotonicMs, ({ type, reason }, occurrences) =>
      runtime.log.warn({ event: 'evostream.event-lost', sink: name, type, occurrences, err: reason }),
    )
  }

  push(event: EvoEvent): void {
    if (!this.#wants(event) || this.#ending.signal.aborted) return
    if (this.#waiting.length >= MAX_WAITING) {
      const oldest = this.#waiting.shift()
      if (oldest !== undefined) this.#lost.occurred({ type: oldest.type, reason: 'too many events wait for this sink' })
    }
    this.#waiting.push(event)
    this.#working ??= this.#work()
  }

  /** Waits a bounded time for what was pushed. */
  async [Symbol.asyncDispose](): Promise<void> {
    const patience = new AbortController()
    const timeout = sleep(CLOSE_PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {})
    await Promise.race([this.#working, timeout])
    patience.abort()
    this.#ending.abort()
    await this.#working
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#deliver(next, this.#ending.signal)
      } catch (error) {
        this.#lost.occurred({ type: next.type, reason: error })
      }
      if (this.#ending.signal.aborted) this.#waiting.length = 0
    }
    this.#working = undefined
  }
}
