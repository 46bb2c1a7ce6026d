import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newUlid } from '#base/id.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { RecompositionListSchema, RecompositionSchema } from './schemas/recomposition.ts'

const JOBS = '/api/v1/compose-jobs'
const TOKENS = [
  { name: 'boss', role: 'admin', token: 'admin-token-admin-token', match: '**' },
  { name: 'room', role: 'record', token: 'room-token-room-token-r', match: 'calls/room/*' },
  { name: 'viewer', role: 'play', token: 'play-token-play-token-', match: 'calls/room/*' },
] as const
const PATIENCE_MS = 120_000

let fixture: ApiFixture
before(async () => {
  fixture = await apiFixture({ config: { auth: { tokens: TOKENS, publish: 'key', play: 'key' } } })
})
after(() => fixture[Symbol.asyncDispose]())

const as = (name: (typeof TOKENS)[number]['name']) => ({
  authorization: `Bearer ${TOKENS.find((token) => token.name === name)?.token}`,
})

const OF_ROOM = { session: 'room', sessionRecording: 'rec', sessionRecordingStartedAt: '2026-01-02T03:04:05.000Z' }

function add(stream: string, overrides: Partial<RecordingDocument> = {}): Promise<RecordingDocument> {
  return fixture.recorder.add({ stream, state: 'ready', ...overrides }, Buffer.from('no media'))
}

function addTrack(publication: string): Promise<RecordingDocument> {
  return add(`calls/room/${publication}`, { metadata: { ...OF_ROOM, publication } })
}

function compose(id: string, payload: object = {}, who: (typeof TOKENS)[number]['name'] = 'boss') {
  const url = `/api/v1/recordings/${id}/compose`
  return fixture.request({ method: 'POST', url, payload, headers: as(who) })
}

test('a job is accepted, asked for and over, and the feed tells of it', async () => {
  const composed = await add('calls/room/~composed', { metadata: OF_ROOM })
  const tracks = [await addTrack('one'), await addTrack('two')]
  await add('calls/room/three', { metadata: { ...OF_ROOM, publication: 'three', sessionRecordingStartedAt: 'before' } })
  const told: string[] = []
  using _ = fixture.control.events.listen(({ type, stream, json }) => {
    const { state } = JSON.parse(json).data.job ?? {}
    told.push(`${type} ${stream} ${state}`)
  })
  const accepted = await compose(composed.id, { layout: 'picture-in-picture', metadata: { lesson: '3' } }, 'room')
  assert.equal(accepted.statusCode, 202, accepted.body)
  const job = assertMatches(RecompositionSchema, accepted.json())
  const url = `${JOBS}/${job.id}`
  assert.equal(accepted.headers.location, url)
  assert.deepEqual(job.recordings.toSorted(), tracks.map(({ id }) => id).toSorted())
  assert.deepEqual([job.stream, job.layout], ['calls/room/~composed', 'picture-in-picture'])
  // What is in these files is no media.
  const endsMs = performance.now() + PATIENCE_MS
  let now = job
  while (now.endedAt === null && performance.now() < endsMs) {
    await sleep(50)
    now = assertMatches(RecompositionSchema, (await fixture.request({ url, headers: as('viewer') })).json())
  }
  assert.deepEqual([now.state, now.error?.code, now.recording], ['failed', 'recompose/track-damaged', null])
  assert.deepEqual(
    told,
    ['waiting', 'composing', 'failed'].map((state) => `compose-job.changed calls/room/~composed ${state}`),
  )
  const list = await fixture.request({ url: JOBS, headers: as('room') })
  assert.deepEqual(
    assertMatches(RecompositionListSchema, list.json()).jobs.map(({ id }) => id),
    [job.id],
  )
  const cancelled = await fixture.request({ method: 'DELETE', url, headers: as('room') })
  assert.deepEqual([cancelled.statusCode, cancelled.json().code], [409, 'recompose/not-running'])
  assert.match(
    (await fixture.request({ url: '/metrics', headers: as('boss') })).body,
    /jobs_ended_total{outcome="failed"} 1/,
  )
  const root = composed.parts[0]?.root ?? ''
  assert.deepEqual(await readdir(join(root, '.composing')), [])
})

test('what can’t be composed is refused at once, and says why', async () => {
  const plain = await add('live/cam')
  const track = await addTrack('four')
  const going = await add('live/now', { state: 'recording' })
  const gone = await add('live/gone')
  await rm(join(gone.parts[0]?.root ?? '', gone.parts[0]?.path ?? ''))
  const damaged = await add('live/damaged')
  const parts = damaged.parts.map((part) => ({ ...part, state: 'damaged' as const }))
  await add('live/damaged', { ...damaged, parts })
  const none = newUlid(Date.now())
  const REFUSED = [
    { what: 'none', answer: await compose(none), status: 404, code: 'recorder/recording-not-found' },
    { what: 'none besides', answer: await compose(plain.id, { with: [none] }), status: 404 },
    { what: 'of no room', answer: await compose(plain.id), status: 409, code: 'recompose/no-tracks' },
    { what: 'goes on', answer: await compose(going.id, { with: [] }), status: 409, code: 'recompose/still-recording' },
    { what: 'gone', answer: await compose(gone.id, { with: [] }), status: 409, code: 'recompose/track-gone' },
    { what: 'damaged', answer: await compose(damaged.id, { with: [] }), status: 409, code: 'recompose/track-damaged' },
    { what: 'layout', answer: await compose(track.id, { layout: 'mosaic' }), status: 400 },
    { what: 'format', answer: await compose(track.id, { format: 'webm' }), status: 400 },
    { what: 'size', answer: await compose(track.id, { widthPixels: 321 }), status: 400 },
    { what: 'name', answer: await compose(track.id, { name: '../../etc/x' }), status: 400 },
    { what: 'a viewer', answer: await compose(track.id, {}, 'viewer'), status: 403, code: 'auth/forbidden' },
    { what: 'beyond the token', answer: await compose(track.id, { with: [plain.id] }, 'room'), status: 403 },
    { what: 'filed beyond it', answer: await compose(track.id, { stream: 'live/x' }, 'room'), status: 403 },
    {
      what: 'no such job',
      answer: await fixture.request({ url: `${JOBS}/${none}`, headers: as('boss') }),
      status: 404,
    },
  ]
  for (const { what, answer, status, code } of REFUSED) {
    assert.equal(answer.statusCode, status, `${what}: ${answer.body}`)
    if (code !== undefined) assert.equal(answer.json().code, code, what)
  }
})
