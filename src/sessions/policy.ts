import type { SessionRecordingRequest } from './session-recording.ts'

/** When a room is recorded by itself, and when a recording ends that nobody has ended. */
export interface RecordingPolicy {
  /** Asked when somebody publishes and nobody else does: the room is then recorded. Undefined: only on request. */
  readonly automatic?: () => SessionRecordingRequest
  /** An automatic recording that was stopped on request begins again with the next first publication. Default true. */
  readonly startsAgain?: boolean
  /**
   * A recording ends so long after the last participant has left, unless somebody publishes until then: 0 at once, and
   * `never`, as nobody leaving stops it. With a time, one begins also when a recording starts while nobody publishes.
   */
  readonly stopsUnusedAfterMs: number | 'never'
}

/** Recorded only on request, and until it is stopped. */
export const MANUAL_RECORDING: RecordingPolicy = { stopsUnusedAfterMs: 'never' }
