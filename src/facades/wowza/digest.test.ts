import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { Digest, readDigestFields } from './digest.ts'

const md5 = (text: string) => createHash('md5').update(text).digest('hex')

function fixture() {
  const clock = { nowMs: 1_000 }
  const digest = new Digest({
    realm: 'Tapedeck',
    secret: new Uint8Array(32),
    nowMs: () => clock.nowMs,
    password: (user) => (user === 'admin' ? 'se"cret' : undefined),
  })
  const nonceOf = (challenge: string) => /nonce="([^"]+)"/.exec(challenge)?.[1] ?? ''
  const answer = (change: { user?: string; password?: string; nonce?: string; nc?: string; uri?: string } = {}) => {
    const { user = 'admin', password = 'se"cret', nonce = '', nc = '00000001', uri = '/x?a=1' } = change
    const response = md5(`${md5(`${user}:Tapedeck:${password}`)}:${nonce}:${nc}:abc:auth:${md5(`GET:${uri}`)}`)
    return `Digest username="${user}", realm="Tapedeck", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="abc", response="${response}", algorithm=MD5`
  }
  return { clock, digest, answer, nonce: () => nonceOf(digest.challenge(false)) }
}

test('digest: the example of RFC 2617 is computed as there', () => {
  // §3.5: Mufasa, "Circle Of Life", GET /dir/index.html
  const ha1 = md5('Mufasa:testrealm@host.com:Circle Of Life')
  const ha2 = md5('GET:/dir/index.html')
  const response = md5(`${ha1}:dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth:${ha2}`)
  assert.equal(response, '6629fae49393a05397450978507c4ef1')
})

test('digest: who knows the password is let in, each counter once', () => {
  const { digest, answer, nonce } = fixture()
  const first = nonce()
  assert.deepEqual(digest.check(answer({ nonce: first }), 'GET', '/x?a=1'), { user: 'admin' })
  assert.equal(digest.check(answer({ nonce: first }), 'GET', '/x?a=1'), 'stale')
  assert.deepEqual(digest.check(answer({ nonce: first, nc: '0000000a' }), 'GET', '/x?a=1'), { user: 'admin' })
})

const WRONG = [
  { name: 'password', change: { password: 'guess' } },
  { name: 'user', change: { user: 'root' } },
  { name: 'address', change: { uri: '/other' } },
  { name: 'counter', change: { nc: 'xyz' } },
]
for (const { name, change } of WRONG) {
  test(`digest: wrong ${name}`, () => {
    const { digest, answer, nonce } = fixture()
    assert.equal(digest.check(answer({ nonce: nonce(), ...change }), 'GET', '/x?a=1'), 'wrong')
  })
}

test('digest: a nonce that is not ours, or too old, is stale', () => {
  const { digest, answer, clock, nonce } = fixture()
  assert.equal(digest.check(answer({ nonce: '1000.deadbeef' }), 'GET', '/x?a=1'), 'stale')
  const old = nonce()
  clock.nowMs += 300_000
  assert.equal(digest.check(answer({ nonce: old }), 'GET', '/x?a=1'), 'stale')
  assert.match(digest.challenge(true), /stale=true$/)
})

test('digest: forgotten nonces never come back to life', () => {
  const { digest, answer, clock, nonce } = fixture()
  const first = nonce()
  assert.notEqual(digest.check(answer({ nonce: first }), 'GET', '/x?a=1'), 'stale')
  for (let i = 0; i < 1_100; i++) {
    clock.nowMs++
    assert.deepEqual(digest.check(answer({ nonce: nonce() }), 'GET', '/x?a=1'), { user: 'admin' })
  }
  assert.equal(digest.check(answer({ nonce: first }), 'GET', '/x?a=1'), 'stale')
})

test('digest: headers that are none', () => {
  for (const header of ['', 'Basic eDp5', 'Digest ', 'Digest username="x"', `Digest ${'x'.repeat(5_000)}`]) {
    assert.equal(readDigestFields(header), undefined)
  }
})
