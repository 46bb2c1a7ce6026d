import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture, publishTestStream, TEST_FORMAT, writeTestUnit } from '#test/support/api-fixture.ts'
import { liveRoute } from './live.ts'

const GOODBYE = { cause: 'unpublished', message: '' } as const
const ADDRESSES = [
  { url: '/api/v1/streams/live/cam1/live.mp4', route: '/api/v1/live.mp4/live/cam1' },
  { url: '/api/v1/streams/a/b/c/live.mp4?token=x', route: '/api/v1/live.mp4/a/b/c?token=x' },
  { url: '/api/v1/streams/live/cam1', route: '/api/v1/streams/live/cam1' },
  { url: '/api/v1/streams/live.mp4', route: '/api/v1/streams/live.mp4' },
  { url: '/api/v1/recordings?x=/api/v1/streams/a/live.mp4', route: '/api/v1/recordings?x=/api/v1/streams/a/live.mp4' },
]
for (const { url, route } of ADDRESSES) test(`address ${url}`, () => assert.equal(liveRoute(url), route))

test('a live view is sent until the stream ends', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  writeTestUnit(publication, { dts: 0, isRandomAccess: true, payload: 'key.' })
  const answer = fixture.request({ url: '/api/v1/streams/live/cam1/live.mp4' })
  setTimeout(() => {
    writeTestUnit(publication, { dts: 3600, isRandomAccess: false, payload: 'next' })
    publication.end(GOODBYE)
  }, 20)
  const { statusCode, headers, body } = await answer
  assert.equal(statusCode, 200)
  assert.equal(headers['content-type'], 'video/mp4')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(body, 'key.next')
  assert.equal(fixture.control.liveViews.viewers, 0)
})

test('a codec MP4 can not carry is a conflict that names it', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  publication.stream.setFormat({ ...TEST_FORMAT, codec: 'vp8' })
  const answer = await fixture.request({ url: '/api/v1/streams/live/cam1/live.mp4' })
  assert.equal(answer.statusCode, 409)
  assert.match(answer.json().detail, /vp8/)
  publication.end(GOODBYE)
})

test('a viewer who hangs up frees his place', async () => {
  const listen = { host: '127.0.0.1', port: 0 }
  await using fixture = await apiFixture({ config: { api: { listen, allowedOrigins: [], allowedHosts: [] } } })
  const { port } = await fixture.api.listen()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  writeTestUnit(publication, { dts: 0, isRandomAccess: true, payload: 'key' })
  const abort = new AbortController()
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/streams/live/cam1/live.mp4`, { signal: abort.signal })
  await response.body?.getReader().read()
  assert.equal(fixture.control.liveViews.viewers, 1)
  abort.abort()
  while (fixture.control.liveViews.viewers > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(publication.stream.sinkCount, 0)
  publication.end(GOODBYE)
})

const PLAYERS = [
  { name: 'a token', url: '?token=T-play', status: 200 },
  { name: 'a wrong token', url: '?token=x', status: 401 },
  { name: 'a token of another path', url: '?token=T-other', status: 403 },
  { name: 'the key that auth.play asks for', url: '?key=T-play', status: 200 },
  { name: 'a wrong key', url: '?key=x', status: 403 },
  { name: 'nothing', url: '', status: 403 },
]
for (const { name, url, status } of PLAYERS) {
  test(`keyed playing with ${name} gives ${status}`, async () => {
    const tokens = [
      { name: 'wall', token: 'T-play', role: 'play', match: '**' },
      { name: 'other', token: 'T-other', role: 'play', match: 'other/*' },
    ] as const
    await using fixture = await apiFixture({ config: { auth: { tokens, publish: 'key', play: 'key' } } })
    const publication = publishTestStream(fixture.hub, 'live/cam1')
    const answer = fixture.request({ url: `/api/v1/streams/live/cam1/live.mp4${url}`, remoteAddress: '192.0.2.7' })
    setTimeout(() => publication.end(GOODBYE), 20)
    assert.equal((await answer).statusCode, status)
  })
}
