import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessRequest } from '#hub/access.ts'
import type { Fetch } from './access-endpoint.ts'
import { Credentials } from './auth.ts'
import { AccessEndpointError, StreamAccessDeniedError } from './errors.ts'
import { createStreamAccess } from './stream-access.ts'

const credentials = new Credentials([
  { name: 'cam', token: 'k-publish', role: 'publish', match: 'live/*' },
  { name: 'wall', token: 'k-play', role: 'play', match: 'live/*' },
])

const REQUEST: AccessRequest = {
  action: 'publish',
  path: 'live/cam1',
  protocol: 'rtmp',
  remoteAddress: '192.0.2.7',
  query: {},
}

const noFetch: Fetch = () => Promise.reject(new Error('nothing should be asked'))

test('open lets this machine in and nobody else', async () => {
  const access = createStreamAccess({ auth: { publish: 'open', play: 'open' }, credentials, fetch: noFetch })
  await access.authorize({ ...REQUEST, remoteAddress: '::ffff:127.0.0.1' })
  await assert.rejects(access.authorize(REQUEST), StreamAccessDeniedError)
})

const KEYS = [
  { name: 'the right key', request: { query: { key: 'k-publish' } }, isAllowed: true },
  { name: 'no key', request: {}, isAllowed: false },
  { name: 'a key not known', request: { query: { key: 'k' } }, isAllowed: false },
  { name: 'a key for playing', request: { query: { key: 'k-play' } }, isAllowed: false },
  { name: 'another path', request: { query: { key: 'k-publish' }, path: 'other/cam1' }, isAllowed: false },
  { name: 'a player with its key', request: { action: 'play', query: { key: 'k-play' } }, isAllowed: true },
  {
    name: "a player with a publisher's key",
    request: { action: 'play', query: { key: 'k-publish' } },
    isAllowed: false,
  },
] as const

for (const { name, request, isAllowed } of KEYS) {
  test(`key: ${name} is ${isAllowed ? 'let in' : 'refused'}`, async () => {
    const access = createStreamAccess({ auth: { publish: 'key', play: 'key' }, credentials, fetch: noFetch })
    const answer = access.authorize({ ...REQUEST, ...request })
    if (isAllowed) await answer
    else await assert.rejects(answer, StreamAccessDeniedError)
  })
}

test('key: who proves to know a token, without telling it, is let in as its owner', async () => {
  const access = createStreamAccess({ auth: { publish: 'key', play: 'key' }, credentials, fetch: noFetch })
  const knowing = (secret: string) => ({ ...REQUEST, proves: (token: string) => token === secret })
  await access.authorize(knowing('k-publish'))
  for (const secret of ['k-play', 'k']) await assert.rejects(access.authorize(knowing(secret)), StreamAccessDeniedError)
})

test('logins that may help: none where all are let in or none, no Digest where the secret has to be told', () => {
  const logins = (policy: 'open' | 'key' | { http: string }) => {
    return createStreamAccess({ auth: { publish: policy, play: 'open' }, credentials, fetch: noFetch }).logins?.(
      'publish',
    )
  }
  assert.deepEqual(
    [logins('open'), logins('key'), logins({ http: 'http://127.0.0.1/' })],
    [[], ['digest', 'basic'], ['basic']],
  )
})

const ANSWERS = [
  { status: 204, error: undefined },
  { status: 401, error: StreamAccessDeniedError },
  { status: 403, error: StreamAccessDeniedError },
  { status: 302, error: AccessEndpointError },
  { status: 500, error: AccessEndpointError },
]

for (const { status, error } of ANSWERS) {
  test(`endpoint: ${status} ${error === undefined ? 'allows' : `gives ${error.name}`}`, async () => {
    const asked: unknown[] = []
    const fetch: Fetch = async (url, init) => {
      asked.push([url, new Headers(init.headers).get('authorization'), JSON.parse(String(init.body)), init.redirect])
      return new Response(null, { status })
    }
    const auth = { publish: { http: 'http://user:pw@ops.example/may?x=1' }, play: 'open' } as const
    const answer = createStreamAccess({ auth, credentials, fetch }).authorize(REQUEST)
    if (error === undefined) await answer
    else await assert.rejects(answer, (thrown) => thrown instanceof error && !/pw|x=1/.test(String(thrown)))
    assert.deepEqual(asked, [['http://ops.example/may?x=1', `Basic ${btoa('user:pw')}`, { ...REQUEST }, 'manual']])
  })
}

test('endpoint: silence refuses', async () => {
  const fetch: Fetch = () => Promise.reject(new Error('connect ECONNREFUSED'))
  const access = createStreamAccess({
    auth: { publish: { http: 'http://ops.example/' }, play: 'open' },
    credentials,
    fetch,
  })
  await assert.rejects(access.authorize(REQUEST), AccessEndpointError)
})
