import type { Static } from 'typebox'
import type { Participant } from '#sessions/participant.ts'
import type { Session } from '#sessions/session.ts'
import type { SessionRecording } from '#sessions/session-recording.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import {
  NewSessionRecordingSchema,
  SessionIdParamsSchema,
  SessionListSchema,
  SessionRecordingSchema,
  SessionSchema,
} from './schemas/session.ts'
import { noContent } from './validation.ts'

const SESSIONS = `${API_PREFIX}/sessions`
const tags = ['sessions']

/** Rooms that front ends have made: who is in them, and recording them. */
export function registerSessions(app: App, { control, runtime }: Resources): void {
  const { sessions } = control
  app.get(
    SESSIONS,
    {
      config: { access: 'view' },
      schema: { summary: 'Rooms there are now', tags, response: { 200: SessionListSchema } },
    },
    async (request) => {
      const principal = principalOf(request)
      const reached = [...sessions.list()].filter((session) => principal.reaches(session.composedPath))
      return { sessions: reached.map(sessionView) }
    },
  )

  app.get(
    `${SESSIONS}/:id`,
    {
      config: { access: 'view' },
      schema: { summary: 'One room', tags, params: SessionIdParamsSchema, response: { 200: SessionSchema } },
    },
    async (request) => {
      const session = sessions.require(request.params.id)
      principalOf(request).requireFor('view', session.composedPath)
      return sessionView(session)
    },
  )

  app.delete(
    `${SESSIONS}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Closes a room: everybody has to leave, and its recording is finished',
        tags,
        params: SessionIdParamsSchema,
        response: { 204: noContent('closed') },
      },
    },
    async (request, reply) => {
      const session = sessions.require(request.params.id)
      principalOf(request).requireFor('manage', session.composedPath)
      session.close('requested')
      return reply.code(204).send(undefined)
    },
  )

  app.post(
    `${SESSIONS}/:id/recording`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Records a room',
        description: 'Who publishes later is recorded as well. Answered when it records.',
        tags,
        params: SessionIdParamsSchema,
        body: NewSessionRecordingSchema,
        response: { 201: SessionRecordingSchema },
      },
    },
    async (request, reply) => {
      const session = sessions.require(request.params.id)
      principalOf(request).requireFor('record', session.composedPath)
      const { mode, layout = 'best-fit', audio = true, video = true, keepTracks = true } = request.body
      const recording = await session.startRecording({ id: runtime.newId(), mode, layout, audio, video, keepTracks })
      return reply.code(201).send(recordingView(recording))
    },
  )

  app.delete(
    `${SESSIONS}/:id/recording`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Ends the recording of a room; answered when its files are final',
        tags,
        params: SessionIdParamsSchema,
        response: { 200: SessionRecordingSchema },
      },
    },
    async (request) => {
      const session = sessions.require(request.params.id)
      principalOf(request).requireFor('record', session.composedPath)
      return recordingView(await session.stopRecording('requested'))
    },
  )
}

function sessionView(session: Session): Static<typeof SessionSchema> {
  const { id, origin, createdAtMs, recording } = session
  return {
    id,
    origin,
    createdAt: new Date(createdAtMs).toISOString(),
    participants: session.participants().map(participantView),
    recording: recording === undefined ? null : recordingView(recording),
  }
}

function participantView(participant: Participant) {
  const { id, role, joinedAtMs } = participant
  return {
    id,
    role,
    joinedAt: new Date(joinedAtMs).toISOString(),
    publications: Array.from(participant.publications(), (publication) => ({
      id: publication.id,
      path: publication.path,
      kind: publication.kind,
      hasAudio: publication.hasAudio,
      hasVideo: publication.hasVideo,
      isLive: publication.stream !== undefined,
    })),
    subscriptions: Array.from(participant.subscriptions(), ({ publication }) => publication.id),
  }
}

function recordingView({ id, request, state, startedAtMs, files }: SessionRecording) {
  return {
    id,
    mode: request.mode,
    state,
    startedAt: new Date(startedAtMs).toISOString(),
    recordings: files.map(({ recordingId }) => recordingId),
  }
}
