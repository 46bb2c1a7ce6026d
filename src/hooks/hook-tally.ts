import type { ScriptOutcome } from '#control/scripts.ts'
import type { AttemptOutcome, DeliveryState, HookKind } from './delivery.ts'
import type { Hook } from './hook.ts'
import type { DeliveryCount, DueDelivery, Refusals } from './outbox/stored.ts'

/** A hook as the API gives it: what is configured without its secrets, and how it fares. */
export interface HookDocument {
  readonly name: string
  readonly kind: HookKind
  /** The executable, or the address without login and query. */
  readonly target: string
  readonly match: string
  readonly events: readonly string[]
  /** Whether deliveries are signed. */
  readonly isSigned: boolean
  readonly deliveries: Readonly<Record<DeliveryState, number>>
  /** Deliveries there was no room for, since the start. */
  readonly refused: number
  readonly lastAttempt: LastAttempt | null
}

/** How the newest attempt ended. */
export interface LastAttempt {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly verdict: AttemptOutcome['verdict']
  readonly event: string
  readonly status: number | null
  readonly error: string | null
  readonly durationMs: number
}

/** Attempts by outcome, since the start. */
export interface HookCounters {
  readonly scripts: Readonly<Record<ScriptOutcome['result'], number>>
  readonly webhooks: Readonly<Record<AttemptOutcome['verdict'], number>>
  readonly refused: number
}

interface Entry {
  readonly hook: Hook
  refused: number
  lastAttempt: LastAttempt | null
}

/** Counts what hooks do, for the API and for metrics. */
export class HookTally {
  readonly #entries: ReadonlyMap<string, Entry>
  readonly #scripts = { ok: 0, failed: 0, 'timed-out': 0, missing: 0, 'not-run': 0 }
  readonly #webhooks = { delivered: 0, retry: 0, dead: 0, interrupted: 0 }

  constructor(hooks: readonly Hook[]) {
    this.#entries = new Map(hooks.map((hook) => [hook.name, { hook, refused: 0, lastAttempt: null }]))
  }

  get counters(): HookCounters {
    let refused = 0
    for (const entry of this.#entries.values()) refused += entry.refused
    return { scripts: this.#scripts, webhooks: this.#webhooks, refused }
  }

  /** Every script counts, those of front ends too. */
  scriptEnded(result: ScriptOutcome['result']): void {
    this.#scripts[result]++
  }

  /** True when the hook's attempt before this one failed. */
  attempted({ name, kind }: Hook, { eventType }: DueDelivery, outcome: AttemptOutcome, nowMs: number): boolean {
    if (kind === 'webhook') this.#webhooks[outcome.verdict]++
    const entry = this.#entries.get(name)
    if (entry === undefined) return false
    const before = entry.lastAttempt
    const { verdict, status, error, durationMs } = outcome
    entry.lastAttempt = { at: new Date(nowMs).toISOString(), verdict, event: eventType, status, error, durationMs }
    return before !== null && before.verdict !== 'delivered'
  }

  refused(refusals: Refusals): void {
    for (const [name, count] of Object.entries(refusals)) {
      const entry = this.#entries.get(name)
      if (entry !== undefined) entry.refused += count
    }
  }

  describe(counts: readonly DeliveryCount[]): readonly HookDocument[] {
    return [...this.#entries.values()].map(({ hook, refused, lastAttempt }) => {
      const of = (state: DeliveryState) =>
        counts.find((each) => each.hook === hook.name && each.state === state)?.count ?? 0
      const { name, kind, config } = hook
      return {
        name,
        kind,
        target: hook.kind === 'exec' ? hook.config.command : withoutSecrets(hook.config.url),
        match: config.match,
        events: config.events,
        isSigned: hook.kind === 'webhook' && hook.config.secret !== undefined,
        deliveries: { pending: of('pending'), delivered: of('delivered'), dead: of('dead') },
        refused,
        lastAttempt,
      }
    })
  }
}

/** Logins and query strings of the operator's address stay out of answers. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
