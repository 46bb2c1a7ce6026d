/** How media of a pull travels: `auto` tries UDP, and TCP where that does not get through; with TLS only TCP. */
export const PULL_TRANSPORTS = ['auto', 'udp', 'tcp'] as const
/** One of {@link PULL_TRANSPORTS}. */
export type PullTransport = (typeof PULL_TRANSPORTS)[number]

/** What becomes of access units that arrive incomplete, and of those that refer to them: left out, or recorded too. */
export const DAMAGED_POLICIES = ['drop', 'keep'] as const
/** One of {@link DAMAGED_POLICIES}. */
export type DamagedPolicy = (typeof DAMAGED_POLICIES)[number]

/** What protocols with packets have a choice in, and others don't. */
export interface PullOptions {
  readonly transport: PullTransport
  readonly damaged: DamagedPolicy
}

/** As if nothing was said. */
export const DEFAULT_PULL_OPTIONS: PullOptions = { transport: 'auto', damaged: 'drop' }
