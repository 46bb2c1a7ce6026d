import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import type { CodecPreference } from '#base/webrtc-codecs.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { WebRtcApi } from '#hub/webrtc.ts'
import type { MediaSessions } from '../media-sessions.ts'
import type { RecordTickets } from '../record-tickets.ts'
import type { Recordings } from '../recordings.ts'
import type { Medium } from './medium.ts'
import type { Rooms } from './rooms.ts'

/** Application of the streams that come by signalling: the first part of their paths. */
export const WEBRTC_APP = 'webrtc'

/** A client did not get what it asked for. */
export interface Refusal {
  readonly what: 'publishing' | 'playing'
  readonly mediaSessionId: string
  readonly name: string
  readonly err: unknown
}

/** What all connections share. */
export interface Desk {
  readonly runtime: Runtime
  readonly access: StreamAccess
  readonly sessions: MediaSessions
  readonly recordings: Recordings
  readonly codecs: CodecPreference
  readonly rooms: Rooms
  /** Undefined: off. */
  readonly webrtc: () => Pick<WebRtcApi, 'publish' | 'play'> | undefined
  /** Everything published and played by clients, by mediaSessionId. */
  readonly media: Map<string, Medium>
  /** For the log. */
  readonly refusals: LogLimit<Refusal>
  /** Undefined: records are given to everybody who may come. */
  readonly tickets: RecordTickets | undefined
}

/** Refusals as the log has them: whoever asks in vain as fast as he can does not fill it. */
export function logRefusals({ log, monotonicMs }: Runtime): LogLimit<Refusal> {
  return new LogLimit(monotonicMs, (refusal, occurrences) => {
    log.info({ event: 'facade.signalling-refused', ...refusal, occurrences })
  })
}
