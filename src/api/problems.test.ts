import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordingNotFoundError, RequestInvalidError } from '#recorder/errors.ts'
import { InvalidRequestError } from './errors.ts'
import { toProblem } from './problems.ts'

const CASES = [
  {
    name: 'of a schema',
    error: new InvalidRequestError([{ field: 'body.match', message: 'is missing' }]),
    problems: [{ field: 'body.match', message: 'is missing' }],
  },
  {
    name: 'of the recorder',
    error: new RequestInvalidError('rotate.seconds', 0.5, 'a number of at least 1'),
    problems: [{ field: 'rotate.seconds', message: 'rotate.seconds is 0.5: give a number of at least 1' }],
  },
  { name: 'about no field', error: new RecordingNotFoundError('01a'), problems: undefined },
]
for (const { name, error, problems } of CASES) {
  test(`fields of a problem ${name}`, () => assert.deepEqual(toProblem(error).problems, problems))
}
