import type { HookKind } from '../delivery.ts'

/** An event to keep, and whom it is for; for nobody, only that it was told is kept. */
export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly recording: string | null
  readonly part: number | null
  readonly document: string
  readonly deliveries: readonly NewDelivery[]
}

/** One hook that an event is for. */
export interface NewDelivery {
  readonly id: string
  readonly hook: string
  readonly kind: HookKind
  /** Deliveries of one hook and line follow each other. */
  readonly line: string
}

/** What an attempt changes. */
export interface Settlement {
  readonly id: string
  readonly state: 'pending' | 'delivered' | 'dead'
  readonly attempts: number
  readonly nextMs: number
  readonly nowMs: number
  readonly status: number | null
  readonly error: string | null
  readonly durationMs: number
}

/** A delivery whose time has come. */
export interface DueDelivery {
  readonly id: string
  readonly hook: string
  readonly attempts: number
  /** When it was stored or replayed. */
  readonly sinceMs: number
  readonly eventType: string
  readonly stream: string
  readonly recording: string | null
  readonly document: string
}

/** Deliveries that are due now, and when the next one will be. */
export interface DuePage {
  readonly due: readonly DueDelivery[]
  readonly nextMs: number | undefined
}

/** What has been stored of a recording's events. */
export interface ToldRecording {
  readonly recording: string
  /** Last part of its last event about a state: `waiting`, `started`, `finishing`, `ready`, `failed`. */
  readonly state: string
  readonly openedParts: readonly number[]
  readonly readyParts: readonly number[]
}

/** A recording that was about to be deleted. */
export interface Removal {
  readonly recording: string
  readonly stream: string
  /** JSON. */
  readonly document: string
}

/** What there was before this start. */
export interface OutboxPast {
  /** Hooks that were configured before: only they are told what was missed. */
  readonly hooks: readonly string[]
  /** Everything that happened before this time is stored; undefined in a new file. */
  readonly storedUntilMs: number | undefined
  readonly removals: readonly Removal[]
}

/** Number of deliveries by hook and state. */
export interface DeliveryCount {
  readonly hook: string
  readonly state: string
  readonly count: number
}

/** What was not taken, by hook. */
export type Refusals = Readonly<Record<string, number>>
