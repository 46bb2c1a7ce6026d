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
  /** Undefined: records are given to everybody who may come. */
  readonly tickets: RecordTickets | undefined
}
