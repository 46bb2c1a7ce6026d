import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hook } from './hook.ts'
import { OutboxClosedError } from './outbox/errors.ts'
import type { NewDelivery, Refusals, StoredEvent } from './outbox/stored.ts'

/** An event as the feed gives it. */
export interface TakenEvent {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly recording: string | null
  readonly part: number | null
  readonly json: string
}

export interface IntakeOptions {
  /** As the outbox's `store`. */
  readonly outbox: { store(events: readonly StoredEvent[], untilMs: number): Promise<Refusals> }
  readonly hooks: readonly Hook[]
  readonly runtime: Pick<Runtime, 'nowMs' | 'monotonicMs' | 'newId' | 'log'>
  /** These hooks have something to do. */
  readonly onStored: (hooks: ReadonlySet<string>) => void
  /** The disk takes nothing: scripts, which may be what makes room, are run without being remembered. */
  readonly runUnstored: (event: StoredEvent, delivery: NewDelivery) => void
  /** There was no room for so many deliveries of a hook. */
  readonly onRefused: (refusals: Refusals) => void
}

/** What waits in memory for a disk that does not take it; the oldest go, since the newest say how things stand. */
const MAX_WAITING_EVENTS = 10_000
const MAX_WAITING_CHARACTERS = 32 * 1024 * 1024
/** In one message to the outbox's thread. */
const MAX_BATCH = 500
const RETRY_MS = 1_000

/** From an event to the outbox: at once, in order, and without the one who tells it waiting. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #failures: LogLimit<unknown>
  #waiting: StoredEvent[] = []
  #waitingCharacters = 0
  #storing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #lost = 0
  /** Those whose scripts were run without being stored. */
  readonly #passedOn = new WeakSet<StoredEvent>()

  constructor(options: IntakeOptions) {
    this.#options = options
    const { log, monotonicMs } = options.runtime
    this.#failures = new LogLimit(monotonicMs, (error, occurrences) => {
      const facts = {
        event: 'hooks.not-stored',
        occurrences,
        waiting: this.#waiting.length,
        lost: this.#lost,
        err: error,
      }
      log.error(facts, 'events of hooks wait in memory: the outbox takes nothing')
    })
  }

  /** @param only these hooks, where not all that want it may be told */
  take(event: TakenEvent, only?: ReadonlySet<string>): void {
    const { hooks, runtime } = this.#options
    const { id, type, stream, recording, part, json } = event
    const deliveries = hooks
      .filter((hook) => hook.wants(event) && only?.has(hook.name) !== false)
      // Scripts are in order for each stream, webhooks for each recording: those don't wait for one another.
      .map(({ name, kind }) => {
        const line = kind === 'webhook' && recording !== null ? `recording:${recording}` : `stream:${stream}`
        return { id: runtime.newId(), hook: name, kind, line }
      })
    const document = deliveries.length > 0 ? json : ''
    if (deliveries.length === 0 && recording === null) return
    this.#waiting.push({ id, type, stream, recording, part, document, deliveries })
    this.#waitingCharacters += document.length
    while (this.#waiting.length > MAX_WAITING_EVENTS || this.#waitingCharacters > MAX_WAITING_CHARACTERS) {
      this.#waitingCharacters -= this.#waiting.shift()?.document.length ?? 0
      this.#lost++
    }
    this.#begin()
  }

  /** Resolves when everything taken so far is stored, or could not be. */
  async settled(): Promise<void> {
    this.#begin()
    await this.#storing
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#retry)
  }

  #begin(): void {
    if (this.#storing !== undefined || this.#waiting.length === 0) return
    this.#storing = this.#store().finally(() => {
      this.#storing = undefined
    })
  }

  async #store(): Promise<void> {
    const { outbox, runtime, onStored, onRefused } = this.#options
    clearTimeout(this.#retry)
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH)
      const nowMs = runtime.nowMs()
      try {
        const refusals = await outbox.store(
          batch.map((event) => this.#withoutPassedOn(event)),
          nowMs,
        )
        if (Object.keys(refusals).length > 0) onRefused(refusals)
      } catch (error) {
        if (error instanceof OutboxClosedError) return
        this.#failures.occurred(error)
        for (const event of batch) this.#passOn(event)
        this.#retry = setTimeout(() => this.#begin(), RETRY_MS)
        this.#retry.unref()
        return
      }
      // Meanwhile the oldest may have been let go.
      const stored = new Set(batch)
      this.#waiting = this.#waiting.filter((event) => !stored.has(event))
      this.#waitingCharacters = this.#waiting.reduce((sum, { document }) => sum + document.length, 0)
      onStored(new Set(batch.flatMap(({ deliveries }) => deliveries.map(({ hook }) => hook))))
    }
  }

  #passOn(event: StoredEvent): void {
    if (this.#passedOn.has(event)) return
    this.#passedOn.add(event)
    for (const delivery of event.deliveries) {
      if (delivery.kind === 'exec') this.#options.runUnstored(event, delivery)
    }
  }

  #withoutPassedOn(event: StoredEvent): StoredEvent {
    if (!this.#passedOn.has(event)) return event
    return { ...event, deliveries: event.deliveries.filter(({ kind }) => kind === 'webhook') }
  }
}
