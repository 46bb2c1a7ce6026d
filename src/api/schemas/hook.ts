import { type TSchema, Type } from 'typebox'
import { DELIVERY_STATES } from '#hooks/delivery.ts'
import { listOf, oneOf } from '../validation.ts'

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const Instant = Type.String({ description: 'ISO 8601, UTC' })
const Count = Type.Integer({ minimum: 0 })

const HookSchema = Type.Object({
  name: Type.String({ description: 'as configured, or made of what it runs or where it posts' }),
  kind: oneOf(['exec', 'webhook']),
  target: Type.String({ description: 'the executable, or the address without login and query' }),
  match: Type.String(),
  events: listOf(Type.String()),
  isSigned: Type.Boolean(),
  deliveries: Type.Object({ pending: Count, delivered: Count, dead: Count }),
  refused: Type.Integer({ minimum: 0, description: 'deliveries there was no room for, since the start' }),
  lastAttempt: Nullable(
    Type.Object({
      at: Instant,
      verdict: oneOf(['delivered', 'retry', 'dead', 'interrupted']),
      event: Type.String(),
      status: Nullable(Type.Integer({ description: 'HTTP status or exit code' })),
      error: Nullable(Type.String()),
      durationMs: Type.Number(),
    }),
  ),
})

export const HookListSchema = Type.Object({ hooks: listOf(HookSchema) })

const DELIVERY_FIELDS = {
  id: Type.String({ description: 'the same at each attempt: Tapedeck-Delivery' }),
  webhook: Type.String({ description: 'name of the hook' }),
  event: Type.Object({ id: Type.String(), type: Type.String() }),
  stream: Type.String(),
  recording: Nullable(Type.String()),
  state: oneOf(DELIVERY_STATES),
  attempts: Count,
  createdAt: Instant,
  nextAttemptAt: Nullable(Instant),
  endedAt: Nullable(Instant),
  lastStatus: Nullable(Type.Integer()),
  lastError: Nullable(Type.String()),
  lastDurationMs: Nullable(Type.Number()),
}

export const DeliverySchema = Type.Object(DELIVERY_FIELDS)

export const DeliveryWithBodySchema = Type.Object({
  ...DELIVERY_FIELDS,
  body: Type.Unknown({ description: 'what is sent: {id, type, at, data}' }),
})

export const DeliveryListSchema = Type.Object({
  deliveries: listOf(DeliverySchema),
  nextCursor: Nullable(Type.String({ description: 'null on the last page' })),
})

export const DeliveryQuerySchema = Type.Object(
  {
    state: Type.Optional(oneOf(DELIVERY_STATES)),
    recording: Type.Optional(Type.String({ maxLength: 100, description: 'id of a recording' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    cursor: Type.Optional(
      Type.String({ pattern: '^[0-9a-z]{1,10}$', description: 'the nextCursor of the page before' }),
    ),
  },
  { additionalProperties: false },
)
