import { Type } from 'typebox'
import { RULE_RECORDS } from '#storage/catalog/catalog.ts'
import { listOf, oneOf } from '../validation.ts'
import { MetadataSchema, RuleRequestSchema } from './recording.ts'

const FIELDS = {
  match: Type.String({ minLength: 1, maxLength: 1024, description: 'glob over stream paths: **, live/*, live/cam1' }),
  request: RuleRequestSchema,
  enabled: Type.Boolean(),
  priority: Type.Integer({
    minimum: -1_000_000,
    maximum: 1_000_000,
    description: 'higher first; the first match that is not additional decides',
  }),
  record: oneOf(
    RULE_RECORDS,
    'always: every stream is recorded. demand: callers may record. never: nobody may, and nothing is',
  ),
  additional: Type.Boolean({ description: 'records besides whatever other rules do' }),
  once: Type.Boolean({ description: 'removed when the first recording it has started is over' }),
  metadata: MetadataSchema,
}

export const RuleSchema = Type.Object({
  id: Type.String(),
  match: FIELDS.match,
  request: Type.Record(Type.String(), Type.Unknown()),
  enabled: FIELDS.enabled,
  priority: FIELDS.priority,
  record: FIELDS.record,
  additional: FIELDS.additional,
  once: FIELDS.once,
  metadata: Type.Record(Type.String(), Type.String()),
  origin: oneOf(['config', 'api'], 'config: from the configuration file, which alone can change it'),
})

const OPTIONAL_FIELDS = {
  request: Type.Optional(FIELDS.request),
  enabled: Type.Optional(FIELDS.enabled),
  priority: Type.Optional(FIELDS.priority),
  record: Type.Optional(FIELDS.record),
  additional: Type.Optional(FIELDS.additional),
  once: Type.Optional(FIELDS.once),
  metadata: Type.Optional(FIELDS.metadata),
}

/** What the configuration file has below `rules`, too. */
export const NewRuleSchema = Type.Object({ match: FIELDS.match, ...OPTIONAL_FIELDS }, { additionalProperties: false })

export const RulePatchSchema = Type.Object(
  { match: Type.Optional(FIELDS.match), ...OPTIONAL_FIELDS },
  { additionalProperties: false, minProperties: 1 },
)

export const RuleRemovalSchema = Type.Object(
  { stop: Type.Optional(Type.Boolean({ description: 'end the recordings it has started' })) },
  { additionalProperties: false },
)

export const RuleQuerySchema = Type.Object(
  {
    stream: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1024,
        description: 'only the rules that record this stream by themselves',
      }),
    ),
  },
  { additionalProperties: false },
)

/** What a rule would do now, see rule-preview.ts. */
export const RulePreviewSchema = Type.Object({
  streams: listOf(Type.String(), { description: 'live streams that it matches, the first 20 by path' }),
  total: Type.Integer({ minimum: 0, description: 'how many it matches' }),
  example: Type.Object(
    { stream: Type.String(), path: Type.String({ description: 'of its file, below the root' }) },
    { description: 'a stream that it matches, live or made up' },
  ),
})

export const RuleListSchema = Type.Object({ rules: listOf(RuleSchema) })
