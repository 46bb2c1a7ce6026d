import type { Compat } from '../configuration/settings.ts'
import type { SessionEventText } from '../events/event-sink.ts'
import type { Room } from '../room.ts'
import type { RecordingFacts } from './recording-facts.ts'

/** What has happened to a recording. */
export interface RecordingNews {
  readonly status: string
  /** The vendor's word; undefined while it goes on. */
  readonly reason: string | undefined
  readonly nowMs: number
  readonly room: Pick<Room, 'uniqueId'>
  readonly compat: Compat
}

/**
 * The events of a change of status: one for the webhook, and for the log file the one that its profile's time had.
 * spec section 6.
 */
export function recordingEvent(facts: RecordingFacts, news: RecordingNews): readonly SessionEventText[] {
  const { status, reason, nowMs, room, compat } = news
  const isFinal = status === 'ready' || status === 'failed'
  const { resolution, frameRate, recordingLayout, customLayout } = facts
  const common = {
    sessionId: facts.sessionId,
    uniqueSessionId: room.uniqueId,
    timestamp: nowMs,
    id: facts.id,
    name: facts.name,
    outputMode: facts.outputMode,
    ...(resolution !== undefined && { resolution }),
    ...(frameRate !== undefined && { frameRate }),
    ...(recordingLayout !== undefined && { recordingLayout }),
    ...(customLayout !== undefined && { customLayout }),
    hasAudio: facts.hasAudio,
    hasVideo: facts.hasVideo,
    size: isFinal ? facts.size : 0,
    duration: isFinal ? facts.duration : 0,
  }
  const why = reason === undefined ? {} : { reason }
  const changed = { name: 'recordingStatusChanged', body: { ...common, startTime: facts.createdAt, ...why, status } }
  if (compat === 'modern') return [changed]
  const log = (name: string, body: object) => ({ name, only: 'log' as const, body: { ...common, ...body } })
  const old =
    status === 'started' ? [log('recordingStarted', {})] : isFinal ? [log('recordingStopped', { ...why })] : []
  return [...old, { ...changed, only: 'webhook' }]
}
