import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { NEW_RULE } from './new-rule.ts'
import { checkRule, Rules } from './rules.ts'

const rule = (id: string, fields: Partial<RuleRow> = {}): RuleRow => {
  return { ...NEW_RULE, id, match: 'live/*', origin: 'api', ...fields }
}

const CASES: readonly { name: string; rules: readonly RuleRow[]; recordedBy: readonly string[]; refusedBy?: string }[] =
  [
    { name: 'none', rules: [], recordedBy: [] },
    { name: 'another path', rules: [rule('a', { match: 'studio/*' })], recordedBy: [] },
    { name: 'a disabled one', rules: [rule('a', { enabled: false })], recordedBy: [] },
    { name: 'the older of two', rules: [rule('b'), rule('a')], recordedBy: ['a'] },
    {
      name: 'the configuration before the API',
      rules: [rule('a'), rule('b', { origin: 'config' })],
      recordedBy: ['b'],
    },
    { name: 'the higher priority', rules: [rule('a'), rule('b', { priority: 1 })], recordedBy: ['b'] },
    {
      name: 'on demand, before one that records',
      rules: [rule('a', { record: 'demand', priority: 1 }), rule('b')],
      recordedBy: [],
    },
    {
      name: 'additional ones above and below the deciding one',
      rules: [
        rule('a', { additional: true, priority: 5 }),
        rule('b', { priority: 3 }),
        rule('c', { priority: 2 }),
        rule('d', { additional: true }),
      ],
      recordedBy: ['a', 'b', 'd'],
    },
    {
      name: 'never, which silences additional ones too',
      rules: [
        rule('a', { additional: true, priority: 5 }),
        rule('b', { record: 'never' }),
        rule('c', { priority: -1 }),
      ],
      recordedBy: [],
      refusedBy: 'b',
    },
    {
      name: 'never below a rule that decides otherwise',
      rules: [rule('a', { priority: 1, record: 'demand' }), rule('b', { record: 'never' })],
      recordedBy: [],
    },
  ]
for (const { name, rules, recordedBy, refusedBy } of CASES) {
  test(`decided by ${name}`, () => {
    const decision = new Rules(rules).decide('live/cam1')
    assert.deepEqual(
      decision.recordedBy.map(({ id }) => id),
      recordedBy,
    )
    assert.equal(decision.refusedBy?.id, refusedBy)
  })
}

test('as much of the past is wanted as the rule that wants most', () => {
  const rules = new Rules([
    rule('a', { request: { preRollSeconds: 5 } }),
    rule('b', { request: { preRollSeconds: 30 }, record: 'demand', priority: -1 }),
    rule('c', { request: { preRollSeconds: 60 }, enabled: false }),
  ])
  assert.equal(rules.preRollSeconds('live/cam1'), 30)
  assert.equal(rules.preRollSeconds('studio/a'), 0)
})

test('contradictions are refused', () => {
  const code = { code: 'recorder/rule-invalid' }
  assert.throws(() => checkRule(rule('a', { additional: true, record: 'never' })), code)
  assert.throws(() => checkRule(rule('a', { once: true, record: 'demand' })), code)
})
