import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { PullSource } from '#hub/pull-source.ts'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { PullListSchema, PullSchema } from './schemas/pull.ts'

const URL = '/api/v1/pulls'
const TOKENS = [
  { name: 'boss', role: 'admin', token: 'admin-token-admin-token', match: '**' },
  { name: 'gate', role: 'admin', token: 'gate-token-gate-token-', match: 'gate/*' },
  { name: 'viewer', role: 'play', token: 'play-token-play-token-', match: 'live/*' },
  { name: 'recorder', role: 'record', token: 'record-token-record-tk', match: '**' },
] as const

/** Connects for ever. */
const pending: PullSource = {
  check() {},
  pull: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
}

let fixture: ApiFixture
before(async () => {
  fixture = await apiFixture({
    config: {
      auth: { tokens: TOKENS, publish: 'key', play: 'key' },
      pulls: [
        {
          path: 'live/old',
          url: 'rtmp://host/live/old',
          keepAlive: true,
          verifyTls: true,
          transport: 'auto',
          damaged: 'drop',
          metadata: {},
        },
      ],
    },
    pullSources: { rtmp: pending },
  })
  await fixture.control.start()
})
after(() => fixture[Symbol.asyncDispose]())

const as = (name: (typeof TOKENS)[number]['name']) => ({
  authorization: `Bearer ${TOKENS.find((token) => token.name === name)?.token}`,
})

test('a pull is added, read and removed; nobody reads its credentials', async () => {
  const payload = { path: 'live/gate', url: 'rtmp://me:secret@host/live/gate?key=secret', metadata: { floor: '2' } }
  const added = await fixture.request({ method: 'POST', url: URL, payload, headers: as('boss') })
  assert.equal(added.statusCode, 201, added.body)
  const pull = assertMatches(PullSchema, added.json())
  assert.equal(pull.url, 'rtmp://***@host/live/gate?key=***')
  assert.deepEqual([pull.state, pull.keepAlive, pull.verifyTls, pull.origin], ['connecting', true, true, 'api'])
  const url = `${URL}/${pull.id}`
  assert.equal(added.headers.location, url)
  const list = await fixture.request({ url: URL, headers: as('viewer') })
  assert.equal(assertMatches(PullListSchema, list.json()).pulls.length, 2)
  assert.ok(!list.body.includes('secret'))
  assert.deepEqual((await fixture.request({ url, headers: as('viewer') })).json(), added.json())
  assert.equal((await fixture.request({ method: 'DELETE', url, headers: as('boss') })).statusCode, 204)
  assert.equal((await fixture.request({ url, headers: as('boss') })).statusCode, 404)
})

const GATE = { path: 'live/gate', url: 'rtmp://host/live/gate' }
const REFUSED = [
  { name: 'by who may only record', as: 'recorder', payload: GATE, status: 403 },
  { name: 'by who may only view', as: 'viewer', payload: GATE, status: 403 },
  { name: 'by an admin of other paths', as: 'gate', payload: GATE, status: 403 },
  { name: 'of an unknown scheme', as: 'boss', payload: { ...GATE, url: 'file:///etc/passwd' }, status: 400 },
  { name: 'without a path', as: 'boss', payload: { url: GATE.url }, status: 400 },
  { name: 'with an impossible path', as: 'boss', payload: { ...GATE, path: '../x' }, status: 400 },
  { name: 'with a field nobody knows', as: 'boss', payload: { ...GATE, colour: 'red' }, status: 400 },
  { name: 'over a way there is not', as: 'boss', payload: { ...GATE, transport: 'pigeon' }, status: 400 },
] as const
for (const { name, as: who, payload, status } of REFUSED) {
  test(`refused: a pull ${name}`, async () => {
    const answer = await fixture.request({ method: 'POST', url: URL, payload, headers: as(who) })
    assert.equal(answer.statusCode, status, answer.body)
  })
}

test('pulls of the configuration are read here and changed there; a token sees what it reaches', async () => {
  const { pulls } = (await fixture.request({ url: URL, headers: as('boss') })).json<{ pulls: { id: string }[] }>()
  const url = `${URL}/${pulls[0]?.id}`
  assert.equal((await fixture.request({ method: 'DELETE', url, headers: as('boss') })).statusCode, 409)
  assert.deepEqual((await fixture.request({ url: URL, headers: as('gate') })).json(), { pulls: [] })
  assert.equal((await fixture.request({ url, headers: as('gate') })).statusCode, 403)
})
