import { normalizeStreamPath } from '#hub/stream-path.ts'
import { RuleNotFoundError } from '#recorder/errors.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { Rules } from '#recorder/rules.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { TooManyRulesError } from './errors.ts'
import { principalOf } from './guards.ts'
import { RuleIdParamsSchema } from './schemas/common.ts'
import {
  NewRuleSchema,
  RuleListSchema,
  RulePatchSchema,
  RuleQuerySchema,
  RuleRemovalSchema,
  RuleSchema,
} from './schemas/rule.ts'
import { noContent } from './validation.ts'

const RULES = `${API_PREFIX}/rules`
/** Every stream that starts is compared with every rule; the list is answered whole. */
const MAX_RULES = 1000
const tags = ['rules']

/** Rules start recordings by themselves. They concern all streams, so a token limited to paths has no say in them. */
export function registerRules(app: App, { control }: Resources): void {
  const { recorder } = control
  app.get(
    RULES,
    {
      config: { access: 'record' },
      schema: { summary: 'All rules', tags, querystring: RuleQuerySchema, response: { 200: RuleListSchema } },
    },
    async (request) => {
      const { stream } = request.query
      if (stream === undefined) {
        principalOf(request).requireEverywhere('record')
        return { rules: [...recorder.rules()] }
      }
      const path = normalizeStreamPath(stream)
      principalOf(request).requireFor('record', path)
      return { rules: [...new Rules(recorder.rules()).decide(path).recordedBy] }
    },
  )

  app.post(
    RULES,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Adds a rule',
        description: 'Streams that it records are recorded at once, those that are there included.',
        tags,
        body: NewRuleSchema,
        response: { 201: RuleSchema },
      },
    },
    async (request, reply) => {
      principalOf(request).requireEverywhere('manage')
      if (recorder.rules().length >= MAX_RULES) throw new TooManyRulesError(MAX_RULES)
      const rule = await recorder.addRule({ ...NEW_RULE, ...request.body })
      return reply
        .code(201)
        .header('location', `${RULES}/${encodeURIComponent(rule.id)}`)
        .send(rule)
    },
  )

  app.get(
    `${RULES}/:id`,
    {
      config: { access: 'record' },
      schema: { summary: 'One rule', tags, params: RuleIdParamsSchema, response: { 200: RuleSchema } },
    },
    async (request) => {
      principalOf(request).requireEverywhere('record')
      return findRule(recorder.rules(), request.params.id)
    },
  )

  app.patch(
    `${RULES}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Changes a rule',
        description:
          'Recordings it has started go on as they are, and streams that it records from now on are recorded at once. ' +
          '`request` is replaced as a whole.',
        tags,
        params: RuleIdParamsSchema,
        body: RulePatchSchema,
        response: { 200: RuleSchema },
      },
    },
    async (request) => {
      principalOf(request).requireEverywhere('manage')
      const { id } = findRule(recorder.rules(), request.params.id)
      return recorder.updateRule(id, request.body)
    },
  )

  app.delete(
    `${RULES}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Removes a rule',
        description: 'Recordings it has started go on, or with `stop` end; the answer then comes when they are final.',
        tags,
        params: RuleIdParamsSchema,
        querystring: RuleRemovalSchema,
        response: { 204: noContent('removed') },
      },
    },
    async (request, reply) => {
      principalOf(request).requireEverywhere('manage')
      const { id } = findRule(recorder.rules(), request.params.id)
      await recorder.removeRule(id, { stop: request.query.stop === true })
      return reply.code(204).send(undefined)
    },
  )
}

function findRule(rules: readonly RuleRow[], id: string): RuleRow {
  const rule = rules.find((candidate) => candidate.id === id)
  if (rule === undefined) throw new RuleNotFoundError(id)
  return rule
}
