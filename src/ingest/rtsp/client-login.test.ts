import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientLogin } from './client-login.ts'

const LOGIN = { user: 'me', password: 'secret' }
const digest = (nonce: string, more = '') => [`Digest realm="cam", nonce="${nonce}"${more}`]

test('nobody is told who we are before he asks', () => {
  assert.equal(new ClientLogin(LOGIN).answer('DESCRIBE', 'rtsp://cam/'), undefined)
})

test('a nonce is answered once, unless it is called stale; a new one anew', () => {
  const login = new ClientLogin(LOGIN)
  assert.equal(login.challenged(digest('a')), true)
  assert.match(login.answer('DESCRIBE', 'rtsp://cam/') ?? '', /^Digest username="me"/)
  assert.equal(login.challenged(digest('a')), false)
  assert.equal(login.challenged(digest('a', ', stale=TRUE')), true)
  assert.equal(login.challenged(digest('b')), true)
  assert.equal(login.challenged(['Basic realm="cam"']), true)
  assert.equal(login.answer('PLAY', 'rtsp://cam/'), `Basic ${btoa('me:secret')}`)
  assert.equal(login.challenged(['Basic realm="cam"']), false)
})

test('answers to one nonce are counted', () => {
  const login = new ClientLogin(LOGIN)
  login.challenged(digest('a', ', qop="auth"'))
  const counts = [1, 2].map(() => /nc=(\w+)/.exec(login.answer('OPTIONS', '*') ?? '')?.[1])
  assert.deepEqual(counts, ['00000001', '00000002'])
})

test('without a login, or a way we know, there is nothing to answer', () => {
  assert.equal(new ClientLogin({ user: '', password: '' }).challenged(digest('a')), false)
  assert.equal(new ClientLogin(LOGIN).challenged([]), false)
  assert.equal(
    new ClientLogin(LOGIN).challenged(['Negotiate abc', 'Digest realm="x", nonce="n", algorithm=SHA-512']),
    false,
  )
})
