import type { DamagedPolicy, PullTransport } from '#base/pull-options.ts'

/** What is to be pulled. */
export interface PullSpec {
  /** Where it is published here. */
  readonly path: string
  /** Of the stream at its origin; the scheme decides the protocol. May hold credentials. */
  readonly url: string
  /** Tries again for ever, whatever ends it. False: one try, and the pull is removed when it is over. Default true. */
  readonly keepAlive?: boolean
  /** TLS origins must have a certificate that this machine trusts, for their name. Default true. */
  readonly verifyTls?: boolean
  /** RTSP: how media travels. Default `auto`: over UDP, or over TCP where that does not get through. */
  readonly transport?: PullTransport
  /** RTSP: whether access units that arrive incomplete are recorded. Default `drop`. */
  readonly damaged?: DamagedPolicy
  /** Labels of the caller's. Default none. */
  readonly metadata?: Readonly<Record<string, string>>
}

/**
 * connecting: a try is under way. streaming: media arrives and is published. waiting: for the next try, or for the path
 * to be free. failed, ended: it is over, since it was not to be kept alive or was removed.
 */
export const PULL_STATES = ['connecting', 'streaming', 'waiting', 'failed', 'ended'] as const
/** One of {@link PULL_STATES}. */
export type PullState = (typeof PULL_STATES)[number]

/** A pull as the API shows it. */
export interface PullDocument {
  /** The same after a restart. */
  readonly id: string
  readonly path: string
  /** Credentials hidden. */
  readonly url: string
  readonly keepAlive: boolean
  readonly verifyTls: boolean
  readonly transport: PullTransport
  readonly damaged: DamagedPolicy
  readonly state: PullState
  /** Why the last try ended, or can't begin; null once media arrives again. */
  readonly lastError: { readonly code: string; readonly message: string } | null
  /** Connections tried since this server was started. */
  readonly attempts: number
  /** When the present state began, ISO 8601, UTC. */
  readonly since: string
  /** `config` pulls come from the configuration file and can't be removed through the API. */
  readonly origin: 'config' | 'api'
  readonly metadata: Readonly<Record<string, string>>
}
