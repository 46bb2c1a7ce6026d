import { errorCode } from '#base/error.ts'
import type { WebRtcEndReason, WebRtcSession } from '#hub/webrtc.ts'
import { SignallingRefusedError } from './errors.ts'

/** How a stream ended, for the client that published or plays it. */
export interface Outcome {
  /** The normal end of publishing, of playing, and every other end. */
  readonly status: 'UNPUBLISHED' | 'STOPPED' | 'FAILED'
  /** One of {@link INFO}, or the words of whoever ended it. */
  readonly info?: string
}

/** What the vendor's clients tell ends apart by. spec section 8.3. */
export const INFO = {
  iceTimeout: 'Failed by ICE timeout',
  iceLost: 'Failed by ICE keep alive',
  dtls: 'Failed by DTLS error',
  silence: 'Failed by RTP activity',
  error: 'Failed by error',
  disconnected: 'Stopped by session disconnect',
  publisherStopped: 'Stopped by publisher stop',
  user: 'Stopped by user',
  nameInUse: 'Stream name is already in use',
  noId: 'MediaSessionId is null',
  idInUse: 'MediaSessionId is already in use',
  noCodecs: 'No common codecs',
  noStream: 'Stream not found',
  noSession: 'Session does not exist',
  restricted: 'Restricted access',
} as const

/** What becomes of a request that was refused with this error. */
export function infoOfError(error: unknown): string {
  if (error instanceof SignallingRefusedError) return error.info
  switch (errorCode(error)) {
    case 'stream/path-in-use':
      return INFO.nameInUse
    case 'stream/not-found':
    case 'webrtc/stream-not-found':
      return INFO.noStream
    case 'webrtc/no-common-codec':
    case 'webrtc/player-lacks-codec':
      return INFO.noCodecs
    case 'auth/stream-access-denied':
    case 'auth/access-endpoint-failed':
      return INFO.restricted
    default:
      return INFO.error
  }
}

/** Why a session over WebRTC ended. */
export type SessionEnd = NonNullable<WebRtcSession['ended']>

const FAILURES: Partial<Readonly<Record<WebRtcEndReason, string>>> = {
  'ice-timeout': INFO.iceTimeout,
  'ice-lost': INFO.iceLost,
  'dtls-failed': INFO.dtls,
  idle: INFO.silence,
  'path-taken': INFO.nameInUse,
  shutdown: INFO.disconnected,
}

/**
 * A browser closes its connection together with its goodbye, and either may arrive first: both are the normal end. So
 * is being put out by an operator, whose words are passed on.
 */
export function publisherOutcome({ end, reason }: SessionEnd): Outcome {
  if (reason === 'peer-closed') return { status: 'UNPUBLISHED' }
  if (reason !== 'closed') return { status: 'FAILED', info: FAILURES[reason] ?? INFO.error }
  if (end.cause === 'unpublished') return { status: 'UNPUBLISHED' }
  return { status: end.cause === 'disconnected' ? 'UNPUBLISHED' : 'FAILED', info: end.message }
}

/** A player whose publisher has gone has failed, as the vendor sees it. */
export function playerOutcome({ end, reason }: SessionEnd): Outcome {
  if (reason === 'stream-ended') return { status: 'FAILED', info: INFO.publisherStopped }
  if (reason === 'peer-closed') return { status: 'STOPPED' }
  if (reason !== 'closed') return { status: 'FAILED', info: FAILURES[reason] ?? INFO.error }
  return end.cause === 'unpublished' ? { status: 'STOPPED' } : { status: 'FAILED', info: end.message }
}
