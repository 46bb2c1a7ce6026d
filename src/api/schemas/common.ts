import { Type } from 'typebox'

/** Ids are ULIDs; anything else can't exist, and does not get as far as a file name. */
export const IdSchema = Type.String({
  pattern: '^[0-9a-z]{26}$',
  description: 'an id: 26 lower-case letters and digits (a ULID)',
})

export const IdParamsSchema = Type.Object({ id: IdSchema })

export const RuleIdParamsSchema = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) })

/** Those of the configuration have ids of another form. */
export const PullIdParamsSchema = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) })

export const PartParamsSchema = Type.Object({
  id: IdSchema,
  n: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'index of the part, from 1' }),
})

/** For <video>, <img> and EventSource, which can't send headers. */
export const TokenQuery = {
  token: Type.Optional(Type.String({ maxLength: 1000, description: 'instead of the Authorization header' })),
}
