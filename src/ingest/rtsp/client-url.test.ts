import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PullUrlError } from '../pull/errors.ts'
import { parseRtspUrl, redirected } from './client-url.ts'

const READ = [
  {
    url: 'rtsp://cam.local/stream',
    expected: { host: 'cam.local', port: 554, address: 'rtsp://cam.local/stream', user: '', isTls: false },
  },
  {
    url: 'RTSP://admin:p%40ss@cam:8554/h264?channel=1&subtype=0',
    expected: { user: 'admin', password: 'p@ss', port: 8554, address: 'rtsp://cam:8554/h264?channel=1&subtype=0' },
  },
  {
    // Pasted as it is: the last sign ends the login.
    url: 'rtsp://admin:p@ss:100%@cam/live',
    expected: { user: 'admin', password: 'p@ss:100%', host: 'cam', shown: 'rtsp://***@cam/live' },
  },
  { url: 'rtsps://cam', expected: { isTls: true, port: 322, address: 'rtsps://cam', path: '/' } },
  {
    url: 'rtsp://[2001:db8::1]:554/a#b',
    expected: { host: '2001:db8::1', address: 'rtsp://[2001:db8::1]:554/a' },
  },
  {
    url: 'rtsp+http://me@cam/live?x=1',
    expected: { isTunnelled: true, isTls: false, port: 80, address: 'rtsp://cam/live?x=1', path: '/live?x=1' },
  },
  { url: 'rtsp+https://cam:8443/live', expected: { isTunnelled: true, isTls: true, address: 'rtsp://cam:8443/live' } },
]
for (const { url, expected } of READ) {
  test(`reads ${url}`, () => {
    const read = parseRtspUrl(url)
    assert.deepEqual({ ...read, ...expected }, read)
  })
}

const WRONG = [
  'rtsp://',
  'rtsp:///x',
  'rtspx://cam/',
  'rtsp://cam:0/',
  'rtsp://cam:70000/',
  'rtsp://cam:x/',
  'http://cam/',
]
for (const url of [...WRONG, 'rtsp://cam/a b', 'rtsp://cam/\n', `rtsp://cam/${'x'.repeat(5000)}`]) {
  test(`refuses ${JSON.stringify(url.slice(0, 30))}`, () => assert.throws(() => parseRtspUrl(url), PullUrlError))
}

test('the login follows to the same host only, and never from TLS to plain', () => {
  const from = parseRtspUrl('rtsp://me:secret@cam/a')
  const login = (location: string) => {
    const { user, password, address } = redirected(from, location)
    return [user, password, address]
  }
  assert.deepEqual(login('rtsp://CAM:8554/b'), ['me', 'secret', 'rtsp://CAM:8554/b'])
  assert.deepEqual(login('rtsp://other/b'), ['', '', 'rtsp://other/b'])
  assert.deepEqual(login('rtsp://you:known@other/b'), ['you', 'known', 'rtsp://other/b'])
  assert.deepEqual(login('/c?d'), ['me', 'secret', 'rtsp://cam/c?d'])
  const secure = parseRtspUrl('rtsps://me:secret@cam/a')
  assert.throws(() => redirected(secure, 'rtsp://cam/a'), PullUrlError)
  assert.throws(() => redirected(secure, 'rtsp+http://cam/a'), PullUrlError)
  assert.equal(redirected(secure, '/b').scheme, 'rtsps')
  assert.throws(() => redirected(from, 'file:///etc/passwd'), PullUrlError)
})

test('behind a tunnel the same host is reached through it', () => {
  const from = parseRtspUrl('rtsp+http://me:secret@cam:8080/a')
  const { scheme, port, isTunnelled, address } = redirected(from, 'rtsp://cam/b')
  assert.deepEqual([scheme, port, isTunnelled, address], ['rtsp+http', 8080, true, 'rtsp://cam/b'])
  assert.equal(redirected(from, 'rtsp://other/b').isTunnelled, false)
})
