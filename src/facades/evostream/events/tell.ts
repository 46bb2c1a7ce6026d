import type { RecordingEvent } from '#recorder/recorder-api.ts'
import type { PartDocument } from '#storage/recording-document.ts'
import type { ValueMap } from '../stream-value.ts'
import type { AnyStream, StreamWatcher } from '../streams.ts'
import { eventTime } from './event.ts'
import type { EventLog } from './event-log.ts'

/** Events of streams that come and go, recordings that run among them. */
export function tellStreams(events: EventLog, describe: (stream: AnyStream) => ValueMap): StreamWatcher {
  return {
    created(stream) {
      if (!events.isHeard) return
      events.emit(stream.kind === 'in' ? 'inStreamCreated' : 'outStreamCreated', describe(stream))
      if (stream.kind === 'in') tellFormats(events, stream, describe)
    },
    closed(stream) {
      if (events.isHeard) events.emit(stream.kind === 'in' ? 'inStreamClosed' : 'outStreamClosed', describe(stream))
    },
  }
}

/** A stream says what it carries when its media begins. */
function tellFormats(
  events: EventLog,
  stream: Extract<AnyStream, { kind: 'in' }>,
  describe: (stream: AnyStream) => ValueMap,
): void {
  stream.stream.attach(
    {
      accessUnit() {},
      format: () => events.emit('inStreamCodecsUpdated', describe(stream)),
      ended() {},
    },
    { from: 'now', live: false },
  )
}

/**
 * Events of files: begun, final and playable, in trouble. Also of a recording that is not cut into chunks: it is one.
 * @param fileOf as the caller of `record` would spell it
 * @param variables his own
 */
export function tellChunk(
  events: EventLog,
  event: RecordingEvent,
  fileOf: (part: PartDocument) => string,
  variables: ValueMap,
): void {
  switch (event.type) {
    case 'part.opened': {
      const { part } = event
      events.emit('recordChunkCreated', { ...variables, file: fileOf(part), startTime: timeOf(part.startedAt) })
      break
    }
    case 'part.ready': {
      const { part } = event
      const stopMs = Date.parse(part.startedAt) + part.durationMs
      events.emit('recordChunkClosed', {
        ...variables,
        file: fileOf(part),
        frameCount: frameCount(part),
        startTime: timeOf(part.startedAt),
        stopTime: eventTime(stopMs),
      })
      break
    }
    case 'recording.failed':
    case 'recording.impaired': {
      const { error } = event.recording
      events.emit('recordChunkError', { ...variables, error: error?.message ?? 'the recording failed' })
      break
    }
    default:
  }
}

function timeOf(isoTime: string): string {
  return eventTime(Date.parse(isoTime))
}

/** Pictures; of sound alone its access units. */
function frameCount({ tracks }: PartDocument): number {
  const counted = tracks.find(({ kind }) => kind === 'video') ?? tracks[0]
  return counted?.accessUnits ?? 0
}
