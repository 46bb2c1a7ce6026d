import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePathPattern } from '#hub/path-pattern.ts'
import { apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { exampleOf } from './rule-preview.ts'
import { RulePreviewSchema } from './schemas/rule.ts'

const EXAMPLES = [
  ['**', 'live/cam1'],
  ['live/*', 'live/cam1'],
  ['live/cam*', 'live/cam1'],
  ['a/**/b', 'a/cam1/b'],
  ['*/**', 'cam1/cam1'],
  ['live/door', 'live/door'],
] as const
for (const [pattern, example] of EXAMPLES) {
  test(`a stream that ${pattern} matches`, () => {
    assert.equal(exampleOf(pattern), example)
    assert.ok(compilePathPattern(pattern).matches(example))
  })
}

test('a preview keeps nothing', async () => {
  await using fixture = await apiFixture()
  const url = '/api/v1/rules/preview'
  const answer = await fixture.request({
    method: 'POST',
    url,
    payload: { match: 'live/*', request: { format: 'flv' } },
  })
  assert.equal(answer.statusCode, 200, answer.body)
  const preview = assertMatches(RulePreviewSchema, answer.json())
  assert.deepEqual(preview, { streams: [], total: 0, example: { stream: 'live/cam1', path: 'live/cam1.flv' } })
  assert.deepEqual((await fixture.request({ url: '/api/v1/rules' })).json(), { rules: [] })
  const odd = await fixture.request({ method: 'POST', url, payload: { match: 'a**' } })
  assert.equal(odd.json().code, 'stream/pattern-invalid')
})
