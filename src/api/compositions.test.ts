import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiFixture, apiFixture, publishTestStream } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { CompositionListSchema, CompositionSchema } from './schemas/composition.ts'

const URL = '/api/v1/compositions'
const TOKENS = [
  { name: 'boss', role: 'admin', token: 'admin-token-admin-token', match: '**' },
  { name: 'room', role: 'admin', token: 'room-token-room-token-r', match: 'room/*' },
  { name: 'viewer', role: 'play', token: 'play-token-play-token-', match: 'live/*' },
] as const
const SMALL = { widthPixels: 320, heightPixels: 180, frameRate: 5 }

let fixture: ApiFixture
before(async () => {
  fixture = await apiFixture({ config: { auth: { tokens: TOKENS, publish: 'key', play: 'key' } } })
})
after(() => fixture[Symbol.asyncDispose]())

const as = (name: (typeof TOKENS)[number]['name']) => ({
  authorization: `Bearer ${TOKENS.find((token) => token.name === name)?.token}`,
})

test('a composition is begun, read, arranged otherwise and ended; who comes later is in it', async () => {
  const told: string[] = []
  using _ = fixture.control.events.listen(({ type, stream }) => {
    if (type.startsWith('composition.')) told.push(`${type} ${stream}`)
  })
  const early = publishTestStream(fixture.hub, 'room/early')
  const payload = { ...SMALL, output: 'room/all', inputs: ['room/*', 'live/hidden'], screens: ['room/slides'] }
  const added = await fixture.request({ method: 'POST', url: URL, payload, headers: as('room') })
  assert.equal(added.statusCode, 201, added.body)
  const composition = assertMatches(CompositionSchema, added.json())
  const url = `${URL}/${composition.id}`
  assert.equal(added.headers.location, url)
  assert.deepEqual([composition.state, composition.encoder], ['running', 'libx264'])
  assert.deepEqual(composition.tiles, [{ path: 'room/early', name: 'early', kind: 'camera' }])
  assert.equal(fixture.hub.get('room/all')?.publisher.protocol, 'composed')
  publishTestStream(fixture.hub, 'room/slides')
  // The token that began it does not reach this one.
  publishTestStream(fixture.hub, 'live/hidden')
  early.end({ cause: 'unpublished', message: '' })
  const now = assertMatches(CompositionSchema, (await fixture.request({ url, headers: as('boss') })).json())
  assert.deepEqual(now.tiles, [{ path: 'room/slides', name: 'slides', kind: 'screen' }])
  assert.equal((await fixture.request({ url, headers: as('viewer') })).statusCode, 403)
  const list = await fixture.request({ url: URL, headers: as('viewer') })
  assert.deepEqual(assertMatches(CompositionListSchema, list.json()).compositions, [])
  const metrics = await fixture.request({ url: '/metrics', headers: as('boss') })
  assert.match(metrics.body, /^tapedeck_compositions{state="running"} 1$/m)
  assert.match(metrics.body, /^tapedeck_composition_behind_seconds{stream="room\/all"} \d/m)
  const layout = { layout: 'picture-in-picture' }
  const patched = await fixture.request({ method: 'PATCH', url, payload: layout, headers: as('room') })
  assert.equal(assertMatches(CompositionSchema, patched.json()).layout, 'picture-in-picture')
  assert.equal((await fixture.request({ method: 'DELETE', url, headers: as('room') })).statusCode, 204)
  assert.equal(fixture.hub.get('room/all'), undefined)
  assert.equal((await fixture.request({ url, headers: as('boss') })).statusCode, 404)
  // A machine that is busy may say besides that it has no time for all pictures.
  const [first, ...others] = told
  assert.deepEqual([first, others.at(-1)], ['composition.started room/all', 'composition.ended room/all'])
})

const ROOM = { ...SMALL, output: 'room/all', inputs: ['room/*'] }
const REFUSED = [
  { name: 'of another output than the token reaches', as: 'room', payload: { ...ROOM, output: 'live/x' }, status: 403 },
  { name: 'by who may only view', as: 'viewer', payload: { ...ROOM, output: 'live/x' }, status: 403 },
  { name: 'of nothing', as: 'boss', payload: { ...ROOM, inputs: [] }, status: 400 },
  { name: 'of a pattern that is none', as: 'boss', payload: { ...ROOM, inputs: ['room/**x'] }, status: 400 },
  { name: 'with an odd width', as: 'boss', payload: { ...ROOM, widthPixels: 321 }, status: 400 },
  { name: 'without picture and sound', as: 'boss', payload: { ...ROOM, video: false, audio: false }, status: 400 },
  {
    name: 'larger than the machine',
    as: 'boss',
    payload: { ...ROOM, widthPixels: 4096, heightPixels: 4096, frameRate: 60 },
    status: 503,
  },
] as const
for (const { name, as: who, payload, status } of REFUSED) {
  test(`refused: a composition ${name}`, async () => {
    const answer = await fixture.request({ method: 'POST', url: URL, payload, headers: as(who) })
    assert.equal(answer.statusCode, status, answer.body)
    assert.equal(fixture.hub.get('room/all'), undefined)
  })
}
