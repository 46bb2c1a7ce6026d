import { MediaSessionUnknownError, NothingFoundError, RestBodyError } from './errors.ts'
import type { MediaSession, MediaSessions } from './media-sessions.ts'
import { LABELS, type Recordings, type RecordOptions, recordFileName } from './recordings.ts'
import type { RestBody } from './rest-body.ts'
import { type StreamObject, streamObject } from './stream-object.ts'

/** Carries out one method. What it resolves to is the answer's JSON; undefined: an empty body, the vendor's "done". */
export type RestMethod = (body: RestBody) => unknown

/** Fields of a stream that `/stream/find` and `/stream/terminate` select by. */
const FILTERS = ['mediaSessionId', 'name', 'published', 'status', 'appKey', 'sessionId', 'mediaType', 'mediaProvider']

/** What a publisher that is put out is told, and what the log says. */
const TERMINATED = 'Stopped by rest /terminate'

/** Methods about streams and their records, by their path below `/rest-api`. spec sections 6.1 and 6.2. */
export function recordingMethods(
  sessions: MediaSessions,
  recordings: Recordings,
): Readonly<Record<string, RestMethod>> {
  const session = (body: RestBody): MediaSession => {
    const mediaSessionId = body.text('mediaSessionId')
    const found = sessions.get(mediaSessionId)
    if (found === undefined) throw new MediaSessionUnknownError(mediaSessionId)
    return found
  }
  /** Without settings, what is recorded already is what was asked for; with them, or through /recorder, it begins anew. */
  const start = (body: RestBody, always: boolean) => {
    const options: RecordOptions | undefined = body.recordConfig() ?? (always ? {} : undefined)
    return options === undefined ? recordings.start(session(body)) : recordings.restart(session(body), options)
  }
  const stop = (body: RestBody) => recordings.stop(session(body))
  const find = (body: RestBody) => found(selected(sessions, recordings, body).map(({ object }) => object))
  return {
    '/stream/startRecording': (body) => start(body, false),
    '/stream/stopRecording': stop,
    '/stream/find': find,
    '/stream/find_all': () => found(Array.from(sessions.all(), (each) => streamObject(each, recordings))),
    '/stream/terminate': (body) => {
      const chosen = selected(sessions, recordings, body, 'needed')
      for (const { stream } of found(chosen).map(({ session: each }) => each)) stream.publisher.disconnect(TERMINATED)
    },
    '/recorder/startup': (body) => start(body, true),
    '/recorder/terminate': stop,
    '/recorder/find_all': () =>
      found(
        recordings.all().map((document) => {
          const mediaSessionId = document.metadata[LABELS.mediaSessionId]
          return { fileName: recordFileName(document) ?? '', mediaSessionId }
        }),
        'record in progress',
      ),
  }
}

/** The vendor answers 404 where others would answer an empty list. @throws {NothingFoundError} */
export function found<Each>(list: readonly Each[], what = 'stream'): readonly Each[] {
  if (list.length === 0) throw new NothingFoundError(what)
  return list
}

interface Selected {
  readonly session: MediaSession
  readonly object: StreamObject
}

/** Streams that have every field named, and one of the ids if there is a list of them. */
function selected(
  sessions: MediaSessions,
  recordings: Recordings,
  body: RestBody,
  filter: 'needed' | 'optional' = 'optional',
): readonly Selected[] {
  const wanted = Object.entries(body.filter(FILTERS))
  const ids = body.optionalTexts('mediaSessionIds')
  if (filter === 'needed' && wanted.length === 0 && ids === undefined) {
    throw new RestBodyError(`one of ${FILTERS.join(', ')} or mediaSessionIds is needed`)
  }
  return Array.from(sessions.all(), (session) => ({ session, object: streamObject(session, recordings) })).filter(
    ({ object }) =>
      wanted.every(([name, value]) => object[name] === value) &&
      (ids === undefined || ids.includes(object.mediaSessionId)),
  )
}
