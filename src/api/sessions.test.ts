import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiFixture, apiFixture, publishTestStream } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { SessionListSchema, SessionRecordingSchema, SessionSchema } from './schemas/session.ts'

const URL = '/api/v1/sessions'
const TOKENS = [
  { name: 'boss', role: 'admin', token: 'admin-token-admin-token', match: '**' },
  { name: 'school', role: 'record', token: 'school-token-school-tok', match: 'school/**' },
] as const

let fixture: ApiFixture
before(async () => {
  fixture = await apiFixture({ config: { auth: { tokens: TOKENS, publish: 'key', play: 'key' } } })
})
after(() => fixture[Symbol.asyncDispose]())

const as = (name: (typeof TOKENS)[number]['name']) => ({
  authorization: `Bearer ${TOKENS.find((token) => token.name === name)?.token}`,
})

test('a room is read, recorded and closed; by whom its streams are reached', async () => {
  const { sessions } = fixture.control
  const session = sessions.create({ id: 'class-1', streamPrefix: 'school', origin: 'test' })
  sessions.create({ id: 'other', streamPrefix: 'elsewhere', origin: 'test' })
  const teacher = session.admit({ id: 'teacher', role: 'moderator' })
  const camera = { id: 'cam', kind: 'camera', hasAudio: true, hasVideo: true, end: () => {} } as const
  const publication = teacher.publish(camera)
  session.admit({ id: 'pupil', role: 'subscriber' }).subscribe(publication)
  const stream = publishTestStream(fixture.hub, publication.path)

  const list = assertMatches(SessionListSchema, (await fixture.request({ url: URL, headers: as('school') })).json())
  assert.deepEqual(
    list.sessions.map(({ id }) => id),
    ['class-1'],
  )
  assert.equal((await fixture.request({ url: `${URL}/other`, headers: as('school') })).statusCode, 403)
  assert.equal((await fixture.request({ url: `${URL}/nowhere`, headers: as('boss') })).statusCode, 404)
  const one = { url: `${URL}/class-1`, headers: as('school') }
  const room = assertMatches(SessionSchema, (await fixture.request(one)).json())
  assert.deepEqual(
    room.participants.map(({ id, role, publications, subscriptions }) => [
      id,
      role,
      publications.length,
      subscriptions,
    ]),
    [
      ['teacher', 'moderator', 1, []],
      ['pupil', 'subscriber', 0, ['cam']],
    ],
  )
  assert.deepEqual([room.participants[0]?.publications[0]?.isLive, room.recording], [true, null])

  const recording = { url: `${URL}/class-1/recording`, headers: as('school') }
  const payload = { mode: 'individual' }
  const started = await fixture.request({ ...recording, method: 'POST', payload })
  assert.equal(started.statusCode, 201, started.body)
  const { state, recordings } = assertMatches(SessionRecordingSchema, started.json())
  assert.equal(state, 'started')
  assert.equal(recordings.length, 1)
  assert.equal((await fixture.request({ ...recording, method: 'POST', payload })).statusCode, 409)
  stream.end({ cause: 'unpublished', message: '' })
  const stopped = await fixture.request({ ...recording, method: 'DELETE' })
  assert.equal(assertMatches(SessionRecordingSchema, stopped.json()).state, 'stopped')
  assert.equal((await fixture.request({ ...recording, method: 'DELETE' })).statusCode, 409)

  assert.equal((await fixture.request({ ...one, method: 'DELETE' })).statusCode, 403, 'role record')
  assert.equal((await fixture.request({ ...one, headers: as('boss'), method: 'DELETE' })).statusCode, 204)
  assert.equal(teacher.left, 'session-closed')
  assert.equal((await fixture.request({ ...one, headers: as('boss') })).statusCode, 404)
})
