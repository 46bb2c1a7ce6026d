import type { Runtime } from '#base/runtime.ts'
import type { MediaSessions } from './media-sessions.ts'
import type { Recordings } from './recordings.ts'

/** Records the kinds of streams that the settings name as soon as they are published. Dispose to stop doing so. */
export function recordAutomatically(sessions: MediaSessions, recordings: Recordings, runtime: Runtime): Disposable {
  return sessions.started.listen((session) => {
    if (!recordings.isAutomatic(session)) return
    const { mediaSessionId, stream } = session
    recordings.start(session).catch((error: unknown) => {
      runtime.log.error({ event: 'facade.record-failed', mediaSessionId, stream: stream.path, err: error })
    })
  })
}
