import { Type } from 'typebox'
import { listOf } from '../validation.ts'

const Count = Type.Integer({ minimum: 0 })

export const StreamParamsSchema = Type.Object({
  '*': Type.String({ minLength: 1, maxLength: 4096, description: 'path of the stream, slashes and all' }),
})

export const StreamQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1000 })),
    cursor: Type.Optional(Type.String({ maxLength: 1024, description: 'nextCursor of the page before' })),
  },
  { additionalProperties: false },
)

export const StreamSchema = Type.Object({
  id: Type.String(),
  path: Type.String(),
  protocol: Type.String(),
  since: Type.String({ description: 'ISO 8601, UTC' }),
  remoteAddress: Type.String(),
  encoder: Type.String({ description: 'what the encoder calls itself; empty when it does not say' }),
  bitrateBps: Count,
  tracks: listOf(
    Type.Object({
      trackId: Count,
      kind: Type.Union([Type.Literal('video'), Type.Literal('audio')]),
      codec: Type.String(),
      codecString: Type.String({ description: 'RFC 6381' }),
      accessUnits: Count,
      payloadBytes: Count,
      width: Type.Optional(Count),
      height: Type.Optional(Count),
      frameRate: Type.Optional(Type.Number()),
      sampleRateHz: Type.Optional(Count),
      channels: Type.Optional(Count),
    }),
  ),
  recordings: listOf(Type.String(), { description: 'ids of the recordings in progress' }),
  isWatched: Type.Boolean(),
})

export const StreamListSchema = Type.Object({
  streams: listOf(StreamSchema),
  nextCursor: Type.Union([Type.String(), Type.Null()]),
})
