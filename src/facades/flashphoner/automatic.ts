import type { Runtime } from '#base/runtime.ts'
import type { MediaSession, MediaSessions } from './media-sessions.ts'
import type { Recordings } from './recordings.ts'

/** Records the kinds of streams that the settings name as soon as they are published. Dispose to stop doing so. */
export function recordAutomatically(sessions: MediaSessions, recordings: Recordings, runtime: Runtime): Disposable {
  const record = (session: MediaSession) => {
    if (!recordings.isAutomatic(session)) return
    const { mediaSessionId, stream } = session
    recordings.start(session).catch((error: unknown) => {
      runtime.log.error({ event: 'facade.record-failed', mediaSessionId, stream: stream.path, err: error })
    })
  }
  // The doors for publishers may have been open already.
  for (const session of sessions.all()) record(session)
  return sessions.started.listen(record)
}
