import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notThrough } from './not-through.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0'
const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'
const LOOPBACK = 'a=candidate:1 1 UDP 2114977791 127.0.0.1 8189 typ host\r\n'
const LOOPBACK_6 = 'a=candidate:2 1 UDP 2122187007 ::1 8189 typ host\r\n'
const NETWORK = 'a=candidate:3 1 UDP 2122187007 192.0.2.7 8189 typ host\r\n'

const CASES = [
  ['Firefox and a server on loopback', FIREFOX, LOOPBACK + LOOPBACK_6, /Firefox never sends/],
  ['Firefox and a server with an address', FIREFOX, LOOPBACK + NETWORK, /must be reachable/],
  ['Firefox and a server without any', FIREFOX, '', /must be reachable/],
  ['Chrome, which goes to loopback, too', CHROME, LOOPBACK, /must be reachable/],
] as const
for (const [name, userAgent, candidates, message] of CASES) {
  test(`nothing came through: ${name}`, () => {
    const error = notThrough(`v=0\r\n${candidates}a=end-of-candidates\r\n`, userAgent)
    assert.equal(error.code, 'client/connection-failed')
    assert.match(error.message, message)
  })
}
