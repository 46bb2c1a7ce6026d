import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture, publishTestStream } from '#test/support/api-fixture.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import type { ServerEvent } from './event-feed.ts'
import { EVENT_TYPES } from './event-types.ts'

test('streams and recordings give events in one order, and what came since an id is remembered', async () => {
  await using fixture = await apiFixture()
  const { events } = fixture.control
  const seen: ServerEvent[] = []
  using _listening = events.listen((event) => seen.push(event))
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  fixture.recorder.published.add('live/cam1')
  const { id } = await fixture.recorder.start({ stream: 'live/cam1' })
  await fixture.recorder.stop(id)
  await fixture.recorder.remove(id)
  publication.end({ cause: 'lost', message: 'connection reset' })
  const types = ['stream.started', 'recording.started', 'recording.ready', 'recording.deleted', 'stream.ended']
  assert.deepEqual(
    seen.map(({ type }) => type),
    types,
  )
  assert.ok(types.every((type) => (EVENT_TYPES as readonly string[]).includes(type)))
  const [first, second, ...rest] = seen
  assert.deepEqual(events.since(second?.id ?? ''), rest)
  assert.deepEqual(events.since(seen.at(-1)?.id ?? ''), [])
  assert.equal(events.since('another-run-1'), undefined)
  const { id: eventId, type, at, data } = JSON.parse(first?.json ?? '')
  assert.deepEqual([eventId, type, data.stream.path], [first?.id, 'stream.started', 'live/cam1'])
  assert.match(at, /^\d{4}-\d\d-\d\dT/)
  assert.equal(JSON.parse(seen.at(-1)?.json ?? '').data.end.cause, 'lost')
})

test('what happens in rooms is told as of the stream that shows all of it; who looks on unseen is not', async () => {
  await using fixture = await apiFixture()
  const { events, sessions } = fixture.control
  const seen: ServerEvent[] = []
  using _listening = events.listen((event) => seen.push(event))
  const room = sessions.create({ id: 'class-1', streamPrefix: 'school', origin: 'test' })
  const ann = room.admit({ id: 'ann', role: 'publisher' })
  const watcher = room.admit({ id: 'watcher', role: 'subscriber', isHidden: true })
  const camera = { id: 'cam', kind: 'camera', hasAudio: true, hasVideo: false, end: () => {} } as const
  const publication = ann.publish(camera)
  watcher.subscribe(publication)
  fixture.recorder.published.add(publication.path)
  await room.startRecording({ id: 'lesson', mode: 'individual', audio: true, video: true })
  await room.stopRecording()
  publication.end('unpublished')
  watcher.leave('left')
  ann.leave('lost')
  const told = seen.filter(({ type }) => type.startsWith('session.'))
  assert.deepEqual(
    told.map(({ type }) => type),
    [
      'session.opened',
      'session.joined',
      'session.published',
      'session.recording.started',
      'session.recording.stopped',
      'session.unpublished',
      'session.left',
      'session.closed',
    ],
  )
  assert.ok(told.every(({ type }) => (EVENT_TYPES as readonly string[]).includes(type)))
  assert.ok(told.every(({ stream, recording }) => stream === 'school/class-1/~composed' && recording === null))
  const [, joined, published, , stopped, unpublished, left, closed] = told.map(({ json }) => JSON.parse(json).data)
  assert.deepEqual([joined.participant.id, joined.participant.role], ['ann', 'publisher'])
  assert.deepEqual([joined.session.id, joined.session.origin, joined.session.participantCount], ['class-1', 'test', 1])
  const { joinedAt } = joined.participant
  assert.equal(new Date(joinedAt).toISOString(), joinedAt)
  const cam = { id: 'cam', participant: 'ann', path: 'school/class-1/cam', kind: 'camera' }
  assert.deepEqual(published.publication, { ...cam, hasAudio: true, hasVideo: false })
  assert.deepEqual(
    [stopped.sessionRecording.id, stopped.sessionRecording.mode, stopped.reason],
    ['lesson', 'individual', 'requested'],
  )
  assert.equal(stopped.sessionRecording.recordings.length, 1)
  assert.deepEqual([unpublished.reason, left.reason, left.session.participantCount], ['unpublished', 'lost', 0])
  assert.equal(closed.reason, 'empty')
})

test('the memory is bounded in number and in size', async () => {
  await using fixture = await apiFixture()
  const ids: string[] = []
  using _listening = fixture.control.events.listen(({ id }) => ids.push(id))
  const recording = await fixture.recorder.add({ metadata: { note: 'x'.repeat(100_000) } }, Buffer.from('x'))
  for (let i = 0; i < 100; i++) fixture.recorder.events.emit({ type: 'recording.impaired', recording })
  const bySize = ids.filter((id) => fixture.control.events.since(id) !== undefined).length
  assert.ok(bySize > 10 && bySize < 50, `${bySize} large events are remembered`)
  const small = await fixture.recorder.add({}, Buffer.from('x'))
  for (let i = 0; i < 2_000; i++) fixture.recorder.events.emit({ type: 'recording.resumed', recording: small })
  const byNumber = ids.filter((id) => fixture.control.events.since(id) !== undefined).length
  assert.equal(byNumber, 1_000)
})

test('until its end a recording is told of with the part concerned, however many it has', async () => {
  await using fixture = await apiFixture()
  const seen: ServerEvent[] = []
  using _listening = fixture.control.events.listen((event) => seen.push(event))
  const parts = Array.from({ length: 10_000 }, (_, index) => partSample({ index: index + 1 }))
  const recording = recordingSample({ state: 'recording', parts })
  const [part = partSample()] = parts
  const { events } = fixture.recorder
  events.emit({ type: 'part.ready', recording, part })
  events.emit({ type: 'recording.impaired', recording })
  const told = seen.map(({ json }) => JSON.parse(json).data)
  assert.deepEqual(
    told.map((data) => data.recording.parts.map(({ index }: { index: number }) => index)),
    [[1], [10_000]],
  )
  assert.ok(seen.every(({ json }) => json.length < 4_096 && JSON.parse(json).data.recording.partCount === 10_000))
  events.emit({ type: 'recording.ready', recording: { ...recording, state: 'ready' } })
  assert.equal(JSON.parse(seen.at(-1)?.json ?? '').data.recording.parts.length, 10_000)
})
