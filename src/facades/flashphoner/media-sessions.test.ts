import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type Publisher } from '#hub/stream.ts'
import { type MediaSession, MediaSessions } from './media-sessions.ts'

const RUNTIME = { nowMs: () => 0, monotonicMs: () => 0, newId: () => 'id', log: SILENT_LOGGER }
const FROM = { remoteAddress: '192.0.2.7', remotePort: 50159, localAddress: '2001:db8::1', localPort: 1935 }
const ANY: Publisher = {
  protocol: 'rtmp',
  connectionId: '',
  encoder: '',
  ...NO_CONNECTION_FACTS,
  ...FROM,
  disconnect() {},
}

/** What a publication of this path is known as. */
function published(path: string, publisher: Partial<Publisher> = {}): MediaSession | undefined {
  const hub = new Hub(RUNTIME, { maxPublishers: 9, gopMemoryBytes: 1_000 })
  using sessions = new MediaSessions(RUNTIME, hub)
  hub.publish(path, { ...ANY, ...publisher })
  return [...sessions.all()][0]
}

test('the name is what follows the application', () => {
  assert.equal(published('live/cam', { app: 'live' })?.name, 'cam')
  assert.equal(published('live/a/b', { app: 'live' })?.name, 'a/b')
  assert.equal(published('live/one/cam', { app: 'live', instance: 'one' })?.name, 'cam')
  assert.equal(published('pulled/cam')?.name, 'cam')
  assert.equal(published('cam')?.name, 'cam')
})

test('ids, login and provider', () => {
  const session = published('live/cam', { query: { user: 'bob' } })
  assert.equal(session?.sessionId, '/192.0.2.7:50159/[2001:db8::1]:1935')
  assert.match(session.mediaSessionId, /^[0-9a-f-]{36}$/)
  assert.equal(session.login, 'bob')
  assert.equal(published('live/cam', { query: { user: 'bob', login: 'alice' } })?.login, 'alice')
  for (const [protocol, provider] of [
    ['rtmp', 'Flash'],
    ['rtmps', 'Flash'],
    ['rtmp-pull', 'Flash'],
    ['rtsp', 'RTSP'],
    ['rtsp-pull', 'RTSP'],
    ['webrtc', 'WebRTC'],
    ['combined', 'Mixer'],
  ] as const) {
    assert.equal(published('live/cam', { protocol })?.provider, provider, protocol)
  }
  assert.equal(published('multi-recorder/x', { protocol: 'combined' }), undefined)
  assert.equal(published('multi-recorder/x')?.name, 'x', 'a publisher may use the name')
})

test('a session lasts as long as its stream, and is told of both ways', () => {
  const hub = new Hub(RUNTIME, { maxPublishers: 9, gopMemoryBytes: 1_000 })
  const before = hub.publish('live/before', ANY)
  using sessions = new MediaSessions(RUNTIME, hub)
  assert.deepEqual(
    Array.from(sessions.all(), ({ name }) => name),
    ['before'],
  )
  const told: string[] = []
  using _started = sessions.started.listen(({ name }) => told.push(`started ${name}`))
  using _ended = sessions.ended.listen(({ name }) => told.push(`ended ${name}`))
  const facts = { mediaSessionId: 'm1', name: 'room-1', login: 'carol', appKey: 'roomApp', isInRoom: true }
  {
    using _other = sessions.announce('connection 0', { ...facts, mediaSessionId: 'm0' })
    using _ = sessions.announce('connection 1', facts)
    hub.publish('webrtc/room-1', { ...ANY, protocol: 'webrtc', connectionId: 'connection 1' })
  }
  assert.deepEqual(
    { ...sessions.get('m1'), stream: undefined, sessionId: '' },
    { ...facts, stream: undefined, sessionId: '', provider: 'WebRTC', muted: { audio: false, video: false } },
  )
  before.end({ cause: 'unpublished', message: '' })
  assert.deepEqual(told, ['started room-1', 'ended before'])
})
