import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiFixture, apiFixture, publishTestStream, writeTestUnit } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { StreamListSchema, StreamSchema } from './schemas/stream.ts'

let fixture: ApiFixture
before(async () => {
  fixture = await apiFixture()
})
after(() => fixture[Symbol.asyncDispose]())

test('a stream is described with its tracks and recordings', async () => {
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  writeTestUnit(publication, { dts: 0, isRandomAccess: true, payload: 'key' })
  const recording = await fixture.recorder.add({ stream: 'live/cam1', state: 'recording' }, Buffer.from('x'))
  const answer = await fixture.request({ url: '/api/v1/streams/live/cam1' })
  const stream = assertMatches(StreamSchema, answer.json())
  assert.equal(stream.path, 'live/cam1')
  assert.equal(stream.encoder, 'test encoder')
  assert.deepEqual(stream.recordings, [recording.id])
  assert.deepEqual(stream.tracks, [
    {
      trackId: 1,
      kind: 'video',
      codec: 'h264',
      codecString: 'avc1.64001f',
      accessUnits: 1,
      payloadBytes: 3,
      width: 320,
      height: 180,
      frameRate: 25,
    },
  ])
  publication.end({ cause: 'unpublished', message: '' })
  const gone = await fixture.request({ url: '/api/v1/streams/live/cam1' })
  assert.equal(gone.json().code, 'stream/not-found')
  assert.equal(gone.statusCode, 404)
})

test('the list comes in pages by path', async () => {
  const publications = ['b', 'a', 'c/d'].map((path) => publishTestStream(fixture.hub, path))
  const first = assertMatches(StreamListSchema, (await fixture.request({ url: '/api/v1/streams?limit=2' })).json())
  assert.deepEqual(
    first.streams.map(({ path }) => path),
    ['a', 'b'],
  )
  const cursor = encodeURIComponent(String(first.nextCursor))
  const second = assertMatches(
    StreamListSchema,
    (await fixture.request({ url: `/api/v1/streams?limit=2&cursor=${cursor}` })).json(),
  )
  assert.deepEqual(
    second.streams.map(({ path }) => path),
    ['c/d'],
  )
  assert.equal(second.nextCursor, null)
  for (const publication of publications) publication.end({ cause: 'unpublished', message: '' })
})

test('a publisher is disconnected by path, encoded or not', async () => {
  for (const url of ['/api/v1/streams/live/cam%201', '/api/v1/streams/live%2Fcam%201']) {
    const reasons: string[] = []
    const publication = publishTestStream(fixture.hub, 'live/cam 1', (reason) => {
      reasons.push(reason)
      publication.end({ cause: 'disconnected', message: reason })
    })
    const answer = await fixture.request({ method: 'DELETE', url })
    assert.equal(answer.statusCode, 204)
    assert.equal(answer.body, '')
    assert.deepEqual(reasons, ['disconnected by local'])
  }
})

const HOSTILE = ['..%2f..%2fetc%2fpasswd', 'live/%2e%2e/cam1', 'live/%00', 'a//b', 'a%5cb', 'x'.repeat(300)]
for (const path of HOSTILE) {
  test(`path ${path.slice(0, 30)} is refused`, async () => {
    const answer = await fixture.request({ url: `/api/v1/streams/${path}` })
    assert.ok([400, 404].includes(answer.statusCode), answer.body)
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
  })
}
