import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import { backOffMs } from './back-off.ts'
import type { AttemptOutcome } from './delivery.ts'
import { OutboxClosedError } from './outbox/errors.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { DueDelivery } from './outbox/stored.ts'

export interface LaneOptions {
  readonly hook: string
  /** Attempts at a time. */
  readonly concurrency: number
  readonly outbox: Outbox
  readonly runtime: Pick<Runtime, 'nowMs' | 'monotonicMs' | 'log'>
  /** Makes one attempt; never rejects. */
  readonly attempt: (delivery: DueDelivery) => Promise<AttemptOutcome>
  /** From the first attempt to giving up, milliseconds. */
  readonly giveUpMs: number
  /** From 0 up to 1. */
  readonly random: () => number
  /** It was the last attempt, and it failed. */
  readonly onGivenUp: (delivery: DueDelivery, outcome: AttemptOutcome) => void
}

/** The outbox may answer late; a timer can't be set for longer than this either. */
const LONGEST_SLEEP_MS = 60_000
const AFTER_FAILURE_MS = 1_000

/**
 * One hook's way from the outbox: takes what is due, as much at a time as allowed, and notes how it went. The outbox
 * gives the first of each line only, so those of a line follow each other.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #running = new Map<string, Promise<void>>()
  readonly #failures: LogLimit<unknown>
  #looking = false
  #lookAgain = false
  #timer: NodeJS.Timeout | undefined
  #isUnreachable = false
  #stopped = false

  constructor(options: LaneOptions) {
    this.#options = options
    const { runtime, hook } = options
    this.#failures = new LogLimit(runtime.monotonicMs, (error, occurrences) => {
      runtime.log.error({ event: 'hook.outbox-failed', hook, occurrences, err: error })
    })
  }

  /** Nothing is under way, and nothing is known to be due. */
  get isIdle(): boolean {
    return this.#running.size === 0 && !this.#looking
  }

  /** Something may be due. */
  wake(): void {
    if (this.#stopped) return
    if (this.#looking) this.#lookAgain = true
    else void this.#look()
  }

  /** Takes up nothing more. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** Resolves when no attempt is under way any more, those that end begin no others after stop(). */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  async #look(): Promise<void> {
    const { outbox, hook, concurrency, runtime } = this.#options
    this.#looking = true
    clearTimeout(this.#timer)
    let sleepMs = LONGEST_SLEEP_MS
    try {
      do {
        this.#lookAgain = false
        // What is under way is still due in the outbox.
        const { due, nextMs } = await outbox.call('due', hook, runtime.nowMs(), concurrency)
        for (const delivery of due) {
          if (this.#running.size >= concurrency || this.#stopped) break
          if (!this.#running.has(delivery.id)) this.#begin(delivery)
        }
        if (nextMs !== undefined) sleepMs = Math.min(LONGEST_SLEEP_MS, Math.max(10, nextMs - runtime.nowMs()))
      } while (this.#lookAgain && !this.#stopped)
    } catch (error) {
      if (!(error instanceof OutboxClosedError)) this.#failures.occurred(error)
      sleepMs = AFTER_FAILURE_MS
    }
    this.#looking = false
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), sleepMs)
    this.#timer.unref()
  }

  #begin(delivery: DueDelivery): void {
    const done = this.#attempt(delivery).finally(() => {
      this.#running.delete(delivery.id)
      this.wake()
    })
    this.#running.set(delivery.id, done)
  }

  async #attempt(delivery: DueDelivery): Promise<void> {
    const { attempt, outbox, hook, runtime, giveUpMs, random, onGivenUp } = this.#options
    const outcome = await attempt(delivery)
    // It is pending still, and the next start begins with it.
    if (outcome.verdict === 'interrupted') return
    const nowMs = runtime.nowMs()
    const attempts = delivery.attempts + 1
    const nextMs = nowMs + backOffMs(attempts, random())
    const isGivenUp = outcome.verdict === 'retry' && nowMs - delivery.sinceMs >= giveUpMs
    const state =
      outcome.verdict === 'delivered' ? 'delivered' : isGivenUp || outcome.verdict === 'dead' ? 'dead' : 'pending'
    const { status, error, durationMs } = outcome
    if (state === 'dead') onGivenUp(delivery, outcome)
    try {
      await outbox.call('settle', { id: delivery.id, state, attempts, nextMs, nowMs, status, error, durationMs })
      // Its receiver is back: what failed for want of it need not wait ten minutes.
      if (this.#isUnreachable && !outcome.isUnreachable) await outbox.call('hasten', hook, nowMs)
      this.#isUnreachable = outcome.isUnreachable
    } catch (failure) {
      // It is attempted once more: at least once is what is promised. The pause keeps a full disk from being flooded.
      this.#failures.occurred(failure)
      await new Promise((resolve) => setTimeout(resolve, this.#stopped ? 0 : AFTER_FAILURE_MS))
    }
  }
}
