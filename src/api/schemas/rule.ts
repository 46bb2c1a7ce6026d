import { Type } from 'typebox'
import { listOf, oneOf } from '../validation.ts'
import { RuleRequestSchema } from './recording.ts'

const FIELDS = {
  match: Type.String({ minLength: 1, maxLength: 1024, description: 'glob over stream paths: **, live/*, live/cam1' }),
  request: RuleRequestSchema,
  enabled: Type.Boolean(),
  priority: Type.Integer({
    minimum: -1_000_000,
    maximum: 1_000_000,
    description: 'higher first; the first match wins',
  }),
}

export const RuleSchema = Type.Object({
  id: Type.String(),
  match: FIELDS.match,
  request: Type.Record(Type.String(), Type.Unknown()),
  enabled: FIELDS.enabled,
  priority: FIELDS.priority,
  origin: oneOf(['config', 'api'], 'config: from the configuration file, which alone can change it'),
})

export const NewRuleSchema = Type.Object(
  {
    match: FIELDS.match,
    request: Type.Optional(FIELDS.request),
    enabled: Type.Optional(FIELDS.enabled),
    priority: Type.Optional(FIELDS.priority),
  },
  { additionalProperties: false },
)

export const RulePatchSchema = Type.Object(
  {
    match: Type.Optional(FIELDS.match),
    request: Type.Optional(FIELDS.request),
    enabled: Type.Optional(FIELDS.enabled),
    priority: Type.Optional(FIELDS.priority),
  },
  { additionalProperties: false, minProperties: 1 },
)

export const RuleListSchema = Type.Object({ rules: listOf(RuleSchema) })
