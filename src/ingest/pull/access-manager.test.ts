import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessManagerAnswer } from './access-manager.ts'

const LOGIN = { user: 'me', password: 'secret', nonce: 'df7987d1' }
const NEED = '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : '
const CHALLENGE = `[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=c2FsdA==&challenge=Y2g=&opaque=b3A=`

const CASES = [
  { name: 'first the user is named', description: NEED, answer: 'authmod=adobe&user=me' },
  {
    // What FFmpeg 5.1 answered to this challenge.
    name: 'then the digest follows',
    description: CHALLENGE,
    answer: 'authmod=adobe&user=me&challenge=df7987d1&response=bLScPjWVtsGvGynju6XdPA==&opaque=b3A=',
  },
  {
    name: 'a wrong password is not tried again',
    description: `${NEED}?reason=authfailed&opaque=b3A=`,
    answer: undefined,
  },
  { name: 'an unknown user neither', description: `${NEED}?reason=nosuchuser`, answer: undefined },
  { name: 'other refusals have no answer', description: 'no such application', answer: undefined },
]
for (const { name, description, answer } of CASES) {
  test(name, () => assert.equal(accessManagerAnswer(description, LOGIN), answer))
}

test('without a user there is nothing to answer', () => {
  assert.equal(accessManagerAnswer(NEED, { ...LOGIN, user: '' }), undefined)
})
