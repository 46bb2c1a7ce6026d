import type { MediaSessions } from './media-sessions.ts'
import type { Recordings } from './recordings.ts'

/** The vendor's statistics page, as far as it is about what is recorded here: sections of `key=value`. spec section 6.3. */
export function statistics(sessions: MediaSessions, recordings: Recordings): string {
  const incoming = { WebRTC: 0, Flash: 0, RTSP: 0, Mixer: 0 }
  for (const { provider } of sessions.all()) incoming[provider]++
  return [
    '-----Stream Stats-----',
    `streams_webrtc_in=${incoming.WebRTC}`,
    `streams_rtmp_in=${incoming.Flash}`,
    `streams_rtsp_in=${incoming.RTSP}`,
    `streams_recording=${recordings.all().length}`,
    '',
  ].join('\n')
}
