import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mediaErrorOf } from './media.ts'

const CASES = [
  ['NotAllowedError', 'client/permission-denied'],
  ['NotFoundError', 'client/no-device'],
  ['OverconstrainedError', 'client/no-device'],
  ['NotReadableError', 'client/device-busy'],
  ['AbortError', 'client/device-busy'],
  ['InvalidStateError', 'client/permission-denied'],
  ['TypeError', 'client/nothing-chosen'],
  ['SomethingNew', 'client/device-busy'],
] as const
for (const [name, code] of CASES) {
  test(`${name} of the browser is ${code}`, () => {
    const cause = new DOMException('what browsers say', name)
    const error = mediaErrorOf(cause, 'camera')
    assert.equal(error.code, code)
    assert.equal(error.cause, cause)
    assert.match(error.message, /camera|nothing/)
  })
}
