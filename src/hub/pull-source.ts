import type { PullOptions } from '#base/pull-options.ts'
import type { Publisher } from './stream.ts'

/** What is to be pulled, and what is told on the way. */
export interface PullRequest extends PullOptions {
  /** Where it is to be published. */
  readonly path: string
  readonly url: string
  /** TLS origins must have a certificate that this machine trusts, for their name. */
  readonly verifyTls: boolean
  /** Leaves the origin and ends the stream. The reason tells what the stream's end is to say. */
  readonly signal: AbortSignal
  /** Media has come, and the stream is published. */
  onStreaming(): void
}

/** Why a pull is to end, as the reason of its signal. */
export interface PullStop {
  readonly cause: 'disconnected' | 'shutdown'
  readonly message: string
}

/**
 * Fetches streams from other servers over one protocol and publishes them in the hub. Implemented in ingest/, one for
 * each URL scheme; control/ chooses by scheme, and tries again.
 */
export interface PullSource {
  /** @throws {TapedeckError} the URL or the options can't be used, whatever the origin says */
  check(url: string, options: PullOptions): void
  /**
   * One connection, from connecting to the end of the stream. Resolves only when the signal is aborted.
   * @throws {TapedeckError} it can't be had, or is over: `pull/source-ended` when the origin said goodbye
   */
  pull(request: PullRequest): Promise<void>
}

/** Protocol names of publishers that are pulled: `rtmp-pull`, `rtmps-pull`. */
export function pullProtocol(scheme: string): Publisher['protocol'] {
  return `${scheme}-pull`
}
