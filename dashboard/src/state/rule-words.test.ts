import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleFields } from '../api/documents.ts'
import { describeRule } from './rule-words.ts'

const RULE: RuleFields = {
  match: '**',
  record: 'always',
  additional: false,
  once: false,
  enabled: true,
  priority: 0,
  request: {},
}

const CASES: readonly { rule: Partial<RuleFields>; facts: readonly string[] }[] = [
  { rule: {}, facts: ['automatic container'] },
  { rule: { record: 'never', request: { format: 'mp4' } }, facts: [] },
  {
    rule: { request: { format: 'ts', rotate: { seconds: 90, bytes: 1_000_000, at: '0 * * * *' } } },
    facts: ['MPEG-TS', 'new part every 90 s or every 1 MB or at 0 * * * *'],
  },
  {
    rule: { request: { rotate: { seconds: 0 }, preRollSeconds: 0, ifExists: 'version' } },
    facts: ['automatic container'],
  },
  {
    rule: {
      once: true,
      additional: true,
      request: { format: 'mp4', ifExists: 'rename', preRollSeconds: 5, maxSeconds: 7200 },
    },
    facts: ['MP4', '5 s pre-roll', 'at most 2 h', 'renames an existing file', 'once', 'besides other rules'],
  },
]
for (const { rule, facts } of CASES) {
  test(`a rule in words: ${facts.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(describeRule({ ...RULE, ...rule }), facts)
  })
}
