import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleFields } from '../api/documents.ts'
import { changesOf, draftOf, type RuleDraft, readDraft } from './rule-draft.ts'

const RULE: RuleFields = {
  match: 'live/*',
  record: 'always',
  additional: false,
  once: false,
  enabled: true,
  priority: 3,
  request: {
    format: 'mp4',
    name: '{stream}-{time}',
    ifExists: 'append',
    rotate: { seconds: 5400, bytes: 1_500_000_000, at: '0 * * * *', cut: 'exact' },
    preRollSeconds: 2.5,
    metadata: { camera: '7' },
  },
}

function readRule(draft: RuleDraft, before?: RuleFields): RuleFields {
  const rule = readDraft(draft, before)
  assert.ok('match' in rule)
  return rule
}

test('a rule shown and not touched is the same rule, with the fields the form does not know', () => {
  assert.deepEqual(readRule(draftOf(RULE), RULE), RULE)
  assert.deepEqual(changesOf(readRule(draftOf(RULE), RULE), RULE), {})
})

test('times and sizes are shown in the largest unit that divides them', () => {
  const draft = draftOf(RULE)
  assert.deepEqual([draft.rotateEvery, draft.rotateEveryUnit], ['90', 'min'])
  assert.deepEqual([draft.rotateSize, draft.rotateSizeUnit], ['1500', 'MB'])
  const odd = draftOf({ ...RULE, request: { rotate: { seconds: 0.5, bytes: 65_537 } } })
  assert.deepEqual(
    [odd.rotateEvery, odd.rotateEveryUnit, odd.rotateSize, odd.rotateSizeUnit],
    ['0.5', 's', '65537', 'B'],
  )
})

test('a change sends what differs, the request as a whole', () => {
  const changed = readRule({ ...draftOf(RULE), priority: '4', name: '' }, RULE)
  const { name: _, ...request } = RULE.request
  assert.deepEqual(changesOf(changed, RULE), { priority: 4, request })
})

test('a new rule says only what is not usual', () => {
  const rule = readRule({ ...draftOf(), match: ' live/cam1 ', rotateEvery: '1,5', rotateEveryUnit: 'h' })
  assert.deepEqual(changesOf(rule), { match: 'live/cam1', request: { rotate: { seconds: 5400 } } })
})

test('what is no number is said at its field, and all at once', () => {
  const problems = readDraft({ ...draftOf(), priority: 'high', rotateEvery: 'ten' })
  assert.ok(problems instanceof Map)
  assert.deepEqual([...problems.keys()].sort(), ['match', 'priority', 'rotateEvery'])
})

test('what a rule that never records can not have is left out', () => {
  const rule = readRule({ ...draftOf(), match: 'a/*', record: 'never', once: true, additional: true })
  assert.deepEqual(changesOf(rule), { match: 'a/*', record: 'never' })
})
