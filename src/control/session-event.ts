import type { Participant } from '#sessions/participant.ts'
import type { Publication } from '#sessions/publication.ts'
import type { Session } from '#sessions/session.ts'
import type { SessionRecording } from '#sessions/session-recording.ts'
import type { SessionsEvent } from '#sessions/sessions.ts'

/** What of rooms the feed tells. */
export type SessionEventType =
  | 'session.opened'
  | 'session.joined'
  | 'session.left'
  | 'session.published'
  | 'session.unpublished'
  | 'session.recording.started'
  | 'session.recording.stopped'
  | 'session.closed'

/** A room as events carry it. */
interface SessionFacts {
  readonly id: string
  /** The front end that made it. */
  readonly origin: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** How many are in it now. */
  readonly participantCount: number
}

interface ParticipantFacts {
  readonly id: string
  readonly role: string
  /** ISO 8601, UTC. */
  readonly joinedAt: string
}

interface PublicationFacts {
  readonly id: string
  readonly participant: string
  /** Of its stream. */
  readonly path: string
  readonly kind: Publication['kind']
  readonly hasAudio: boolean
  readonly hasVideo: boolean
}

interface SessionRecordingFacts {
  readonly id: string
  readonly mode: 'individual' | 'composed' | 'both'
  /** ISO 8601, UTC. */
  readonly startedAt: string
  /** Ids of the recordings it is made of so far. */
  readonly recordings: readonly string[]
}

/** What an event of a room says. */
export interface SessionEventData {
  readonly session: SessionFacts
  readonly participant?: ParticipantFacts
  readonly publication?: PublicationFacts
  readonly sessionRecording?: SessionRecordingFacts
  /** Why somebody left, stopped publishing, or a recording or a room ended. */
  readonly reason?: string
}

/** An event of a room as the feed tells it. Undefined: it is told to front ends only. */
export function describeSessionEvent(
  event: SessionsEvent,
): { readonly type: SessionEventType; readonly data: SessionEventData } | undefined {
  const session = sessionFacts(event.session)
  switch (event.type) {
    case 'opened':
      return { type: 'session.opened', data: { session } }
    case 'joined':
      return { type: 'session.joined', data: { session, participant: participantFacts(event.participant) } }
    case 'left': {
      const { participant, reason } = event
      return { type: 'session.left', data: { session, participant: participantFacts(participant), reason } }
    }
    case 'published':
      return { type: 'session.published', data: { session, publication: publicationFacts(event.publication) } }
    case 'unpublished': {
      const { publication, reason } = event
      return { type: 'session.unpublished', data: { session, publication: publicationFacts(publication), reason } }
    }
    case 'recording-started': {
      const sessionRecording = recordingFacts(event.recording)
      return { type: 'session.recording.started', data: { session, sessionRecording } }
    }
    case 'recording-stopped': {
      const { recording } = event
      const sessionRecording = recordingFacts(recording)
      const reason = recording.reason ?? 'requested'
      return { type: 'session.recording.stopped', data: { session, sessionRecording, reason } }
    }
    case 'closed':
      return { type: 'session.closed', data: { session, reason: event.reason } }
    // One for every pair of participants: nobody outside the room asks.
    case 'subscribed':
    case 'unsubscribed':
    case 'recording-stopping':
      return undefined
  }
}

function sessionFacts(session: Session): SessionFacts {
  const { id, origin, createdAtMs } = session
  return { id, origin, createdAt: isoTime(createdAtMs), participantCount: session.participants().length }
}

function participantFacts({ id, role, joinedAtMs }: Participant): ParticipantFacts {
  return { id, role, joinedAt: isoTime(joinedAtMs) }
}

function publicationFacts({ id, participant, path, kind, hasAudio, hasVideo }: Publication): PublicationFacts {
  return { id, participant: participant.id, path, kind, hasAudio, hasVideo }
}

function recordingFacts({ id, request, startedAtMs, files }: SessionRecording): SessionRecordingFacts {
  const recordings = files.map(({ recordingId }) => recordingId)
  return { id, mode: request.mode, startedAt: isoTime(startedAtMs), recordings }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
