import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError } from '../api/problem.ts'
import { placeProblems } from './field-problems.ts'
import { RULE_PLACES } from './rule-problems.ts'

test('problems of fields go to their fields, the others on top', () => {
  const error = new ProblemError(400, {
    detail: 'the request is not valid',
    code: 'api/invalid-request',
    problems: [
      { field: 'body.match', message: 'is missing' },
      { field: 'body.request.rotate.seconds', message: 'must be >= 1' },
      { field: 'body.request.tracks', message: 'is odd' },
    ],
  })
  const { fields, rest } = placeProblems(error, RULE_PLACES)
  assert.deepEqual(
    [...fields],
    [
      ['match', 'is missing'],
      ['rotateEvery', 'must be >= 1'],
    ],
  )
  assert.deepEqual(rest, ['request.tracks is odd'])
})

test('a code that can only be about one field finds it', () => {
  const error = new ProblemError(400, { detail: 'pattern "a**" is odd', code: 'stream/pattern-invalid' })
  assert.deepEqual([...placeProblems(error, RULE_PLACES).fields], [['match', 'pattern "a**" is odd']])
})

test('anything else is said on top', () => {
  const { fields, rest } = placeProblems(
    new ProblemError(409, { detail: 'too many rules', code: 'api/too-many-rules' }),
    RULE_PLACES,
  )
  assert.equal(fields.size, 0)
  assert.deepEqual(rest, ['too many rules'])
})
