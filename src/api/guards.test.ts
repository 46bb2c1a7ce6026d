import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AuthToken } from '#config/config.ts'
import { type ApiFixture, apiFixture, publishTestStream } from '#test/support/api-fixture.ts'

const TOKENS: readonly AuthToken[] = [
  { name: 'boss', token: 'T-admin', role: 'admin', match: '**' },
  { name: 'desk', token: 'T-record', role: 'record', match: '**' },
  { name: 'cam', token: 'T-publish', role: 'publish', match: '**' },
  { name: 'wall', token: 'T-play', role: 'play', match: '**' },
  { name: 'site', token: 'T-site', role: 'admin', match: 'site/*' },
]

const ID = '01jd3e7vzy8k2n4q6s8t0w2y4a'
/** Each route, with the roles that get past the guard (whatever the route then says). */
const ROUTES = [
  { method: 'GET', url: '/api/v1/server', roles: ['T-admin', 'T-record', 'T-publish', 'T-play', 'T-site'] },
  { method: 'GET', url: '/api/v1/streams', roles: ['T-admin', 'T-record', 'T-play', 'T-site'] },
  { method: 'GET', url: '/api/v1/streams/live/cam1', roles: ['T-admin', 'T-record', 'T-play'] },
  { method: 'DELETE', url: '/api/v1/streams/live/cam1', roles: ['T-admin'] },
  { method: 'GET', url: '/api/v1/recordings', roles: ['T-admin', 'T-record', 'T-play', 'T-site'] },
  { method: 'POST', url: '/api/v1/recordings', roles: ['T-admin', 'T-record'], payload: { stream: 'live/none' } },
  { method: 'GET', url: `/api/v1/recordings/${ID}`, roles: ['T-admin', 'T-record', 'T-play'] },
  { method: 'POST', url: `/api/v1/recordings/${ID}/stop`, roles: ['T-admin', 'T-record'] },
  { method: 'POST', url: `/api/v1/recordings/${ID}/split`, roles: ['T-admin', 'T-record'] },
  { method: 'PATCH', url: `/api/v1/recordings/${ID}`, roles: ['T-admin', 'T-record'], payload: { held: true } },
  { method: 'DELETE', url: `/api/v1/recordings/${ID}`, roles: ['T-admin'] },
  { method: 'GET', url: `/api/v1/recordings/${ID}/parts/1`, roles: ['T-admin', 'T-record', 'T-play'] },
  { method: 'GET', url: `/api/v1/recordings/${ID}/manifest`, roles: ['T-admin', 'T-record', 'T-play'] },
  { method: 'GET', url: `/api/v1/recordings/${ID}/poster.jpg`, roles: ['T-admin', 'T-record', 'T-play'] },
  { method: 'GET', url: '/api/v1/rules', roles: ['T-admin', 'T-record'] },
  { method: 'POST', url: '/api/v1/rules', roles: ['T-admin'], payload: { match: '**' } },
  { method: 'DELETE', url: '/api/v1/rules/none', roles: ['T-admin'] },
  { method: 'GET', url: '/metrics', roles: ['T-admin', 'T-record', 'T-play'] },
] as const

describe('with tokens configured', () => {
  let fixture: ApiFixture
  before(async () => {
    fixture = await apiFixture({ config: { auth: { tokens: TOKENS, publish: 'open', play: 'key' } } })
  })
  after(() => fixture[Symbol.asyncDispose]())

  for (const route of ROUTES) {
    test(`${route.method} ${route.url}`, async () => {
      const publication = publishTestStream(fixture.hub, 'live/cam1')
      // Held, so that the route that deletes can be tried by all.
      await fixture.recorder.add({ id: ID, stream: 'live/cam1', held: true }, Buffer.from('x'))
      const { method, url } = route
      const payload = 'payload' in route ? { payload: route.payload } : {}
      const stranger = await fixture.request({ method, url, ...payload })
      assert.equal(stranger.statusCode, 401)
      assert.match(String(stranger.headers['www-authenticate']), /^Bearer/)
      const wrong = await fixture.request({ method, url, headers: { authorization: 'Bearer T-wrong' }, ...payload })
      assert.equal(wrong.statusCode, 401)
      for (const { token } of TOKENS) {
        const answer = await fixture.request({ method, url, headers: { authorization: `Bearer ${token}` }, ...payload })
        const isAllowed = (route.roles as readonly string[]).includes(token)
        assert.equal(answer.statusCode === 403, !isAllowed, `${token}: ${answer.statusCode} ${answer.body}`)
        assert.notEqual(answer.statusCode, 401, token)
      }
      publication.end({ cause: 'unpublished', message: '' })
    })
  }

  test('tokens in the address are for media and events only', async () => {
    await fixture.recorder.add({ id: ID, stream: 'live/cam1' }, Buffer.from('x'))
    const part = await fixture.request({ url: `/api/v1/recordings/${ID}/parts/1?token=T-play` })
    assert.equal(part.statusCode, 200)
    const wrong = await fixture.request({ url: `/api/v1/recordings/${ID}/parts/1?token=T-wrong` })
    assert.equal(wrong.statusCode, 401)
    assert.equal((await fixture.request({ url: '/api/v1/streams?token=T-play' })).statusCode, 401)
  })

  test('a limited token sees its own streams and recordings only', async () => {
    const publications = ['site/a', 'live/b'].map((path) => publishTestStream(fixture.hub, path))
    await fixture.recorder.add({ stream: 'site/a' }, Buffer.from('x'))
    await fixture.recorder.add({ stream: 'live/b' }, Buffer.from('x'))
    const headers = { authorization: 'Bearer T-site' }
    const streams = await fixture.request({ url: '/api/v1/streams', headers })
    assert.deepEqual(
      streams.json().streams.map(({ path }: { path: string }) => path),
      ['site/a'],
    )
    const recordings = await fixture.request({ url: '/api/v1/recordings', headers })
    assert.deepEqual(
      recordings.json().recordings.map(({ stream }: { stream: string }) => stream),
      ['site/a'],
    )
    for (const publication of publications) publication.end({ cause: 'unpublished', message: '' })
  })

  test('probes need no credential, and tell strangers nothing of the machine', async () => {
    assert.equal((await fixture.request({ url: '/healthz' })).statusCode, 200)
    const stranger = await fixture.request({ url: '/readyz' })
    assert.equal('disks' in stranger.json(), false)
    const admin = await fixture.request({ url: '/readyz', headers: { authorization: 'Bearer T-admin' } })
    assert.equal(admin.json().disks.length, 1)
  })
})

describe('with no credential configured', () => {
  let fixture: ApiFixture
  before(async () => {
    fixture = await apiFixture()
  })
  after(() => fixture[Symbol.asyncDispose]())
  const url = '/api/v1/streams'

  const CALLERS = [
    { name: 'this machine', options: {}, status: 200 },
    { name: 'this machine over IPv6', options: { remoteAddress: '::1' }, status: 200 },
    { name: 'another machine', options: { remoteAddress: '192.0.2.7' }, status: 401 },
    { name: 'a proxy on this machine', options: { headers: { 'x-forwarded-for': '192.0.2.7' } }, status: 401 },
    { name: 'a token nobody configured', options: { headers: { authorization: 'Bearer x' } }, status: 401 },
    { name: 'another scheme', options: { headers: { authorization: 'Basic eDp5' } }, status: 401 },
    { name: 'a rebound name', options: { headers: { host: 'evil.example:8000' } }, status: 421 },
    { name: 'a foreign page', options: { headers: { 'sec-fetch-site': 'cross-site' } }, status: 403 },
    { name: 'a foreign origin', options: { headers: { origin: 'https://evil.example' } }, status: 403 },
  ]
  for (const { name, options, status } of CALLERS) {
    test(`${name} gets ${status}`, async () => {
      const answer = await fixture.request({ url, ...options })
      assert.equal(answer.statusCode, status, answer.body)
    })
  }

  test('a foreign page can neither change anything nor play anything', async () => {
    await fixture.recorder.add({ id: ID, stream: 'live/cam1' }, Buffer.from('x'))
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'video' }
    for (const path of [
      `recordings/${ID}/parts/1`,
      `recordings/${ID}/poster.jpg`,
      'streams/live/cam1/live.mp4',
      'events',
    ]) {
      const answer = await fixture.request({ url: `/api/v1/${path}`, headers })
      assert.equal(answer.json().code, 'api/cross-site-request', path)
    }
    const deletion = await fixture.request({ method: 'DELETE', url: `/api/v1/recordings/${ID}`, headers })
    assert.equal(deletion.statusCode, 403)
    const simple = await fixture.request({
      method: 'POST',
      url: '/api/v1/recordings',
      headers: { 'content-type': 'text/plain' },
      payload: '{"stream":"live/cam1"}',
    })
    assert.equal(simple.json().code, 'api/unsupported-media-type')
    assert.match(simple.json().detail, /"text\/plain"/)
  })

  test('every answer forbids framing, sniffing and use by other sites', async () => {
    for (const path of [url, '/nowhere', '/healthz']) {
      const { headers } = await fixture.request({ url: path })
      assert.equal(headers['x-frame-options'], 'DENY')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
      assert.equal(headers['access-control-allow-origin'], undefined)
    }
  })
})

test('an allowed origin may ask, and is told so', async () => {
  const listen = { host: '127.0.0.1', port: 8000 }
  const api = { listen, allowedOrigins: ['https://ops.example'], allowedHosts: [] }
  await using fixture = await apiFixture({ config: { api } })
  const headers = { origin: 'https://ops.example', 'sec-fetch-site': 'cross-site' }
  const answer = await fixture.request({ url: '/api/v1/streams', headers })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['access-control-allow-origin'], 'https://ops.example')
  const preflight = await fixture.request({
    method: 'OPTIONS',
    url: '/api/v1/recordings',
    headers: { ...headers, 'access-control-request-method': 'POST' },
  })
  assert.equal(preflight.statusCode, 204)
  assert.match(String(preflight.headers['access-control-allow-headers']), /authorization/)
  const foreign = await fixture.request({
    method: 'OPTIONS',
    url: '/api/v1/recordings',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  })
  assert.equal(foreign.statusCode, 403)
})
