import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Credentials, type Permission } from './auth.ts'
import { ForbiddenError } from './errors.ts'
import { isLoopbackAddress } from './loopback.ts'

const credentials = new Credentials([
  { name: 'boss', token: 'token-admin', role: 'admin', match: '**' },
  { name: 'desk', token: 'token-record', role: 'record', match: 'live/*' },
  { name: 'cam', token: 'token-publish', role: 'publish', match: 'live/cam1' },
  { name: 'wall', token: 'token-play', role: 'play', match: '**' },
])

const PERMISSIONS: readonly Permission[] = ['view', 'record', 'publish', 'manage']
const GRANTS = [
  { token: 'token-admin', may: ['view', 'record', 'publish', 'manage'] },
  { token: 'token-record', may: ['view', 'record'] },
  { token: 'token-publish', may: ['publish'] },
  { token: 'token-play', may: ['view'] },
]

for (const { token, may } of GRANTS) {
  test(`${token} may ${may.join(', ')} and nothing else`, () => {
    const principal = credentials.find(token)
    assert.deepEqual(
      PERMISSIONS.filter((permission) => principal?.may(permission)),
      may,
    )
  })
}

test('a token is found only whole', () => {
  assert.equal(credentials.find('token-admin')?.name, 'boss')
  for (const wrong of ['', 'token', 'token-admin ', 'TOKEN-ADMIN', 'token-adminx']) {
    assert.equal(credentials.find(wrong), undefined, wrong)
  }
  assert.equal(new Credentials([]).find(''), undefined)
})

test('a token limited to paths reaches no other, and nothing that concerns all', () => {
  const desk = credentials.find('token-record')
  assert.doesNotThrow(() => desk?.requireFor('record', 'live/cam7'))
  assert.throws(() => desk?.requireFor('record', 'other/cam7'), ForbiddenError)
  assert.throws(() => desk?.requireFor('manage', 'live/cam7'), ForbiddenError)
  assert.throws(() => desk?.requireEverywhere('record'), ForbiddenError)
})

test('loopback addresses', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']) {
    assert.equal(isLoopbackAddress(address), true, address)
  }
  for (const address of [
    '',
    '10.0.0.1',
    '::',
    '::2',
    '::ffff:10.0.0.1',
    '127.0.0.1.evil.example',
    '1.127.0.0',
    'localhost',
  ]) {
    assert.equal(isLoopbackAddress(address), false, address)
  }
})
