import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OpenViduPropertiesError } from './errors.ts'
import { publicAddress } from './public-url.ts'
import { readSettings } from './settings.ts'
import { vendorEnvironment } from './vendor-environment.ts'

const read = (values: Readonly<Record<string, string>>) => readSettings(new Map(Object.entries(values)), 'here')

test('without anything the defaults of the classic profile count', () => {
  const settings = read({})
  assert.equal(settings.compat, 'classic')
  assert.equal(settings.secret, 'MY_SECRET')
  assert.equal(settings.recording, false)
  assert.equal(settings.autostopSeconds, 120)
  assert.equal(settings.notification, 'publisher_moderator')
  assert.equal(settings.webhook, undefined)
  assert.equal(settings.keepTracks, true)
  assert.equal(read({ OPENVIDU_RECORDING_COMPOSED_KEEP_TRACKS: 'false' }).keepTracks, false)
})

test('both families of names are read, and the environment name wins', () => {
  assert.equal(read({ 'openvidu.secret': 'old' }).secret, 'old')
  const both = read({ 'openvidu.secret': 'old', OPENVIDU_SECRET: 'new', 'openvidu.recording': 'true' })
  assert.equal(both.secret, 'new')
  assert.equal(both.recording, true)
  assert.deepEqual(both.oldNames, ['openvidu.secret', 'openvidu.recording'])
})

test('unknown and needless names are told, never fatal', () => {
  const { needless, unknown } = read({
    OPENVIDU_RECORDING_IMAGE: 'x',
    OPENVIDU_NEWS: '1',
    PATH: '/bin',
    'coturn.ip': 'y',
  })
  assert.deepEqual(needless, ['OPENVIDU_RECORDING_IMAGE', 'coturn.ip'])
  assert.deepEqual(unknown, ['OPENVIDU_NEWS'])
})

test('whatever cannot be followed is refused together, and no secret is printed', () => {
  const wrong = { OPENVIDU_SECRET: 'a=b', OPENVIDU_RECORDING: 'yes', 'server.port': '99999', OPENVIDU_WEBHOOK: 'true' }
  assert.throws(
    () => read(wrong),
    (error) => {
      assert.ok(error instanceof OpenViduPropertiesError)
      assert.deepEqual(error.problems.map(({ name }) => name).sort(), [
        'OPENVIDU_RECORDING',
        'OPENVIDU_SECRET',
        'OPENVIDU_WEBHOOK_ENDPOINT',
        'server.port',
      ])
      assert.ok(!error.message.includes('a=b'))
      return true
    },
  )
})

test('modern asks for a secret', () => {
  assert.throws(() => read({ OPENVIDU_COMPAT: 'modern' }), OpenViduPropertiesError)
  assert.equal(read({ OPENVIDU_COMPAT: 'modern', OPENVIDU_SECRET: 's' }).compat, 'modern')
})

test('the webhook has headers and events from JSON arrays', () => {
  const { webhook } = read({
    OPENVIDU_WEBHOOK: 'true',
    OPENVIDU_WEBHOOK_ENDPOINT: 'https://example.com/hook',
    OPENVIDU_WEBHOOK_HEADERS: '["Authorization: Basic abc", "X-A:1"]',
    OPENVIDU_WEBHOOK_EVENTS: '[sessionCreated, recordingStatusChanged]',
  })
  assert.deepEqual(webhook?.headers, [
    ['Authorization', 'Basic abc'],
    ['X-A', '1'],
  ])
  assert.deepEqual(webhook?.events, ['sessionCreated', 'recordingStatusChanged'])
})

test('ICE servers are read from their one-line form', () => {
  const { iceServers } = read({ OPENVIDU_WEBRTC_ICE_SERVERS: '["url=turn:t.example:3478,username=u,credential=c=d"]' })
  assert.deepEqual(iceServers, [{ url: 'turn:t.example:3478', username: 'u', credential: 'c=d' }])
})

test('the public address leaves 443 out; token URLs of classic never do', () => {
  const address = (publicUrl: string, compat: 'classic' | 'modern', port: number) =>
    publicAddress({ publicUrl, compat }, port)
  assert.deepEqual(address('local', 'classic', 4443), { url: 'https://localhost:4443', tokenHost: 'localhost:4443' })
  assert.deepEqual(address('v.example', 'modern', 443), { url: 'https://v.example', tokenHost: 'v.example' })
  assert.deepEqual(address('v.example', 'classic', 443), { url: 'https://v.example', tokenHost: 'v.example:443' })
  assert.deepEqual(address('https://v.example/', 'classic', 4443), {
    url: 'https://v.example',
    tokenHost: 'v.example:443',
  })
  assert.deepEqual(address('https://v.example:5443', 'classic', 1), {
    url: 'https://v.example:5443',
    tokenHost: 'v.example:5443',
  })
})

test('variables of the vendor become keys; the secret is none among others', () => {
  const variables = {
    OPENVIDU_SECRET: 's',
    OPENVIDU_RECORDING: 'true',
    OPENVIDU_RECORDING_PATH: '/srv/recordings',
    HTTPS_PORT: '4443',
    DOMAIN_OR_PUBLIC_IP: 'v.example',
    PATH: '/bin',
    OPENVIDU_CDR: '',
  }
  assert.deepEqual(vendorEnvironment(variables), {
    'facades.openvidu.secret': 's',
    'facades.openvidu.listen': '4443',
    'recordings.root': '/srv/recordings',
    'facades.openvidu.override': '{"OPENVIDU_RECORDING":"true","DOMAIN_OR_PUBLIC_IP":"v.example"}',
  })
  assert.deepEqual(vendorEnvironment({ PATH: '/bin' }), {})
})
