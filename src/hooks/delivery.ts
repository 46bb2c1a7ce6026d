/** `pending`: waits for its turn or its next attempt. `delivered`: done. `dead`: given up; it can be replayed. */
export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const
/** One of {@link DELIVERY_STATES}. */
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** Who is told: a script of the operator's, or a web server. */
export type HookKind = 'exec' | 'webhook'

/** One event on its way to one hook. Times are milliseconds since 1970 UTC. */
export interface Delivery {
  readonly id: string
  /** Name of the hook, see hook-name.ts. */
  readonly hook: string
  readonly kind: HookKind
  readonly eventId: string
  readonly eventType: string
  readonly stream: string
  readonly recording: string | null
  readonly state: DeliveryState
  /** Those that came to an end, well or not. */
  readonly attempts: number
  readonly createdMs: number
  /** When it is tried next, if it is first in its line; null when it is over. */
  readonly nextMs: number | null
  readonly endedMs: number | null
  /** HTTP status or exit code of the last attempt; null when there was none. */
  readonly lastStatus: number | null
  /** Why the last attempt failed. */
  readonly lastError: string | null
  /** How long the last attempt took. */
  readonly lastDurationMs: number | null
}

/** With what is sent. */
export interface DeliveryWithDocument extends Delivery {
  /** The event as JSON, `{id, type, at, data}`. */
  readonly document: string
}

/** An attempt at a delivery, as it ended. */
export interface AttemptOutcome {
  /** `retry`: try again later. `interrupted`: the server ended meanwhile, which counts as no attempt. */
  readonly verdict: 'delivered' | 'retry' | 'dead' | 'interrupted'
  readonly status: number | null
  readonly error: string | null
  readonly durationMs: number
  /** No answer at all: others for the same receiver will fare the same. */
  readonly isUnreachable: boolean
}

/** Which deliveries to list. */
export interface DeliveryQuery {
  readonly kind: HookKind
  readonly state?: DeliveryState
  readonly recording?: string
  /** 1 to 1000; default 100. */
  readonly limit?: number
  /** From the page before; opaque. */
  readonly cursor?: string
}

/** One page of a list, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly Delivery[]
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined
}
