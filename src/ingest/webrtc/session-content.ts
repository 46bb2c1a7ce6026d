import type { Stream, StreamEnd } from '#hub/stream.ts'

/** What goes over a session's transport: a publisher's media in, or a player's out. */
export interface SessionContent {
  readonly kind: 'publish' | 'play'
  /** Undefined before a publisher is connected. */
  readonly stream: Stream | undefined
  /** Media has really gone over. */
  readonly isFlowing: boolean
  /** See PublishRequest. */
  readonly goodbyeIsLoss?: boolean
  /** The transport is there. Called once. @throws {TapedeckError} it came too late, or can't be served */
  connected(transport: TransportFacts): void
  /** RTP or RTCP, ours to keep. */
  packet(bytes: Uint8Array, nowMs: number): void
  /** Called every few tens of milliseconds, also before the transport is there. @throws {TapedeckError} it is to end */
  tick(nowMs: number): void
  /** Idempotent. */
  end(end: StreamEnd): void
}

/** Where media comes from and goes to. */
export interface TransportFacts {
  /** IP address. */
  readonly remoteAddress: string
  readonly remotePort: number
}
