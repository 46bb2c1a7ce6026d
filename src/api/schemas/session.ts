import { Type } from 'typebox'
import { ROLES } from '#sessions/roles.ts'
import { listOf, oneOf } from '../validation.ts'

/** Ids of rooms are what their front ends make them, and fit for paths. */
export const SessionIdParamsSchema = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_~-]{1,200}$' }) })

const MODES = ['individual', 'composed', 'both'] as const
const LAYOUTS = ['best-fit', 'picture-in-picture', 'vertical-presentation', 'horizontal-presentation'] as const

export const NewSessionRecordingSchema = Type.Object(
  {
    mode: oneOf(MODES, 'every stream in a file of its own, one picture and sound of all, or both'),
    audio: Type.Optional(Type.Boolean({ description: 'default true' })),
    video: Type.Optional(Type.Boolean({ description: 'default true' })),
    layout: Type.Optional(oneOf(LAYOUTS, 'of the composed picture; default best-fit')),
    keepTracks: Type.Optional(
      Type.Boolean({ description: 'composed: every stream is kept in a file of its own as well; default true' }),
    ),
  },
  { additionalProperties: false },
)

const PublicationSchema = Type.Object({
  id: Type.String(),
  path: Type.String({ description: 'of its stream' }),
  kind: oneOf(['camera', 'screen', 'other']),
  hasAudio: Type.Boolean(),
  hasVideo: Type.Boolean(),
  isLive: Type.Boolean({ description: 'its media are coming' }),
})

const ParticipantSchema = Type.Object({
  id: Type.String(),
  role: oneOf(ROLES, 'what he may do'),
  joinedAt: Type.String({ description: 'ISO 8601, UTC' }),
  publications: listOf(PublicationSchema),
  subscriptions: listOf(Type.String(), { description: 'ids of the publications he is sent' }),
})

export const SessionRecordingSchema = Type.Object({
  id: Type.String(),
  mode: oneOf(MODES),
  state: oneOf(['starting', 'started', 'stopping', 'stopped']),
  startedAt: Type.String({ description: 'ISO 8601, UTC' }),
  recordings: listOf(Type.String(), { description: 'ids of the recordings it is made of, so far' }),
})

export const SessionSchema = Type.Object({
  id: Type.String(),
  origin: Type.String({ description: 'the front end that made it' }),
  createdAt: Type.String({ description: 'ISO 8601, UTC' }),
  participants: listOf(ParticipantSchema),
  recording: Type.Union([SessionRecordingSchema, Type.Null()]),
})

export const SessionListSchema = Type.Object({ sessions: listOf(SessionSchema) })
