import { Type } from 'typebox'
import { LAYOUTS } from '#compose/layout/layouts.ts'
import { RECOMPOSITION_FORMATS, RECOMPOSITION_STATES } from '#control/recompositions.ts'
import { listOf, oneOf } from '../validation.ts'
import { IdSchema } from './common.ts'
import { NewCompositionSchema } from './composition.ts'
import { MetadataSchema } from './recording.ts'

const { widthPixels, heightPixels, frameRate, video, audio, layout, videoBitrateBps, audioBitrateBps } =
  NewCompositionSchema.properties
const Nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
const Instant = Type.String({ description: 'ISO 8601, UTC' })

/** Body of POST /recordings/{id}/compose. */
export const NewRecompositionSchema = Type.Object(
  {
    with: Type.Optional(
      Type.Array(IdSchema, {
        maxItems: 1_000,
        description: 'exactly this recording and these are composed; default: all tracks of the room’s recording',
      }),
    ),
    layout,
    widthPixels,
    heightPixels,
    frameRate,
    video,
    audio,
    videoBitrateBps,
    audioBitrateBps,
    format: Type.Optional(oneOf(RECOMPOSITION_FORMATS, 'of the file; default mp4')),
    stream: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1024, description: 'path it is filed under; nobody publishes it' }),
    ),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'file name in the stream’s folder; default by template',
      }),
    ),
    metadata: Type.Optional(MetadataSchema),
  },
  { additionalProperties: false },
)

export const RecompositionSchema = Type.Object({
  id: Type.String(),
  state: oneOf(RECOMPOSITION_STATES, 'waiting: others are composed first'),
  progress: Type.Number({ description: '0 to 1' }),
  stream: Type.String(),
  recordings: listOf(Type.String(), { description: 'what it is made from' }),
  layout: oneOf(LAYOUTS),
  video: Type.Boolean(),
  audio: Type.Boolean(),
  widthPixels: Type.Integer(),
  heightPixels: Type.Integer(),
  frameRate: Type.Integer(),
  format: oneOf(RECOMPOSITION_FORMATS),
  durationMs: Type.Number({ description: 'of the composition' }),
  requestedAt: Instant,
  startedAt: Nullable(Instant),
  endedAt: Nullable(Instant),
  recording: Nullable(Type.String({ description: 'id of what it was made into' })),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String() })),
})

export const RecompositionListSchema = Type.Object({ jobs: listOf(RecompositionSchema) })
