import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { RoomComposer } from './composing.ts'
import type { Participant } from './participant.ts'
import type { RecordingPolicy } from './policy.ts'
import type { PublicationRequest } from './publication.ts'
import type { Session, SessionEvent } from './session.ts'
import type { SessionRecordingRequest } from './session-recording.ts'
import { Sessions } from './sessions.ts'

const INDIVIDUAL: SessionRecordingRequest = { id: 'rec', mode: 'individual', audio: true, video: true }

/** Remembers what it is asked for; its recordings end when they are stopped. */
class MemoryRecorder {
  readonly started: RecordingRequest[] = []
  readonly stopped: string[] = []
  /** Streams whose recording is refused. */
  refuses: (stream: string) => boolean = () => false

  async start(request: RecordingRequest): Promise<RecordingDocument> {
    if (this.refuses(request.stream)) throw new Error(`${request.stream} is not recorded`)
    this.started.push(request)
    return { id: `r${this.started.length}` } as RecordingDocument
  }

  async stop(id: string): Promise<RecordingDocument> {
    this.stopped.push(id)
    return this.get(id)
  }

  async get(id: string): Promise<RecordingDocument> {
    return { id } as RecordingDocument
  }
}

function setUp(policy?: RecordingPolicy, composer?: RoomComposer) {
  let ids = 0
  const runtime = { nowMs: () => 1000, monotonicMs: () => 0, newId: () => `id${++ids}`, log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 10, gopMemoryBytes: 0 })
  const recorder = new MemoryRecorder()
  const sessions = new Sessions({ runtime, hub, recorder, composer: () => composer, maxParticipants: 5 })
  const session = sessions.create({
    id: 'room',
    streamPrefix: 'calls',
    origin: 'test',
    ...(policy !== undefined && { recording: policy }),
  })
  const events: string[] = []
  session.events.listen((event) => events.push(textOf(event)))
  return { sessions, session, recorder, hub, events }
}

function textOf(event: SessionEvent): string {
  const about = {
    participant: 'participant' in event ? event.participant.id : undefined,
    publication: 'publication' in event ? event.publication.id : undefined,
    reason: 'reason' in event ? event.reason : 'recording' in event ? event.recording.reason : undefined,
  }
  return [event.type, ...Object.values(about).filter((value) => value !== undefined)].join(' ')
}

function admit(session: Session, id: string, facts: Partial<Parameters<Session['admit']>[0]> = {}): Participant {
  return session.admit({ id, role: 'publisher', ...facts })
}

function camera(id: string, more: Partial<PublicationRequest> = {}): PublicationRequest {
  return { id, kind: 'camera', hasAudio: true, hasVideo: true, end: () => {}, ...more }
}

test('a token lets in one participant, of this room, with the role it was made for', () => {
  const { session, sessions, events } = setUp()
  const { token } = session.invite({ id: 'ann', role: 'subscriber', labels: { data: 'server' } })
  const other = sessions.create({ streamPrefix: 'calls', origin: 'test' })
  assert.throws(() => other.join(token), { code: 'session/token-invalid' })
  const ann = session.join(token, { labels: { name: 'Ann' } })
  assert.deepEqual([ann.role, ann.labels], ['subscriber', { data: 'server', name: 'Ann' }])
  assert.throws(() => session.join(token), { code: 'session/token-invalid' })
  assert.throws(() => ann.publish(camera('cam')), { code: 'session/role-forbidden' })
  const revoked = session.invite({ id: 'bob', role: 'publisher' })
  session.revoke(revoked)
  assert.throws(() => session.join(revoked.token), { code: 'session/token-invalid' })
  assert.deepEqual(events, ['joined ann'])
})

test('ids are unique in a room, and fit for paths', () => {
  const { session, sessions } = setUp()
  assert.throws(() => sessions.create({ id: 'room', streamPrefix: 'calls', origin: 'test' }), {
    code: 'session/exists',
  })
  for (const id of ['', 'a/b', '..', 'a b', 'x'.repeat(201)]) {
    assert.throws(
      () => sessions.create({ id, streamPrefix: 'calls', origin: 'test' }),
      { code: 'session/id-invalid' },
      id,
    )
    assert.throws(() => admit(session, id), { code: 'session/id-invalid' }, id)
  }
  const ann = admit(session, 'ann')
  session.invite({ id: 'bob', role: 'publisher' })
  for (const id of ['ann', 'bob']) assert.throws(() => admit(session, id), { code: 'session/conflict' })
  ann.publish(camera('cam'))
  assert.throws(() => ann.publish(camera('cam')), { code: 'session/conflict' })
  assert.throws(() => ann.publish(camera('../cam')), { code: 'session/id-invalid' })
})

test('a room holds so many participants', () => {
  const { session } = setUp()
  for (let n = 0; n < 5; n++) admit(session, `p${n}`)
  assert.throws(() => admit(session, 'one-more'), { code: 'session/too-many' })
})

test('whoever leaves publishes no longer; with the last one the room is closed, and its id free', () => {
  const { session, sessions, events } = setUp()
  const ended: string[] = []
  const ann = admit(session, 'ann', { left: (reason) => ended.push(`ann ${reason}`) })
  const bob = admit(session, 'bob')
  const publication = ann.publish(camera('cam', { end: (reason) => ended.push(`cam ${reason}`) }))
  assert.equal(publication.path, 'calls/room/cam')
  const subscription = bob.subscribe(publication)
  ann.leave('evicted-by-server')
  ann.leave('left')
  assert.deepEqual(ended, ['cam evicted-by-server', 'ann evicted-by-server'])
  subscription[Symbol.dispose]()
  bob.leave('lost')
  assert.deepEqual(events, [
    'joined ann',
    'joined bob',
    'published cam',
    'subscribed bob',
    'unpublished cam evicted-by-server',
    'left ann evicted-by-server',
    'unsubscribed bob',
    'left bob lost',
    'closed empty',
  ])
  assert.equal(sessions.get('room'), undefined)
  assert.throws(() => admit(session, 'cid'), { code: 'session/not-found' })
  sessions.create({ id: 'room', streamPrefix: 'calls', origin: 'test' })
})

test('who is hidden is told of to nobody, and keeps no room', () => {
  const { session, events } = setUp()
  admit(session, 'recorder', { role: 'subscriber', isHidden: true })
  assert.deepEqual(session.participants(), [])
  assert.notEqual(session.participant('recorder'), undefined)
  admit(session, 'ann').leave('left')
  assert.deepEqual(events, ['joined ann', 'left ann left', 'closed empty'])
  assert.equal(session.participant('recorder'), undefined)
})

test('every publication is a recording of its own, of the kinds that were asked for', async () => {
  const { session, recorder } = setUp()
  const ann = admit(session, 'ann', { labels: { name: 'Ann' } })
  ann.publish(camera('a'))
  ann.publish(camera('silent', { hasAudio: false, kind: 'screen' }))
  admit(session, 'shy', { isRecorded: false }).publish(camera('s'))
  const recording = await session.startRecording({
    ...INDIVIDUAL,
    video: false,
    labels: { name: 'lesson' },
    individualFile: ({ id }) => ({ path: `lesson/${id}`, format: 'webm' }),
  })
  admit(session, 'bob').publish(camera('b'))
  await sleep(0)
  assert.deepEqual(
    recorder.started.map(({ stream, path, tracks }) => [stream, path, tracks]),
    [
      ['calls/room/a', 'lesson/a', { audio: true, video: false }],
      ['calls/room/b', 'lesson/b', { audio: true, video: false }],
    ],
    'nothing of whoever is not to be recorded, nor of a stream without sound',
  )
  const { metadata, waitForStream } = recorder.started[0] ?? {}
  assert.equal(waitForStream, true)
  const ids = { session: 'room', sessionRecording: 'rec', participant: 'ann', publication: 'a', kind: 'camera' }
  assert.deepEqual(metadata, { name: 'lesson', sessionRecordingStartedAt: '1970-01-01T00:00:01.000Z', ...ids })
  ann.leave('left')
  await sleep(0)
  assert.deepEqual(recorder.stopped, ['r1'], 'a stream that ends')
  await assert.rejects(session.startRecording(INDIVIDUAL), { code: 'session/recorded-already' })
  await session.stopRecording()
  assert.deepEqual(recorder.stopped, ['r1', 'r2'])
  assert.deepEqual([recording.state, recording.reason, session.recording], ['stopped', 'requested', undefined])
  await assert.rejects(session.stopRecording(), { code: 'session/not-recorded' })
})

test('a stream that cannot be recorded keeps no other from it', async () => {
  const { session, recorder } = setUp()
  const ann = admit(session, 'ann')
  ann.publish(camera('bad'))
  ann.publish(camera('good'))
  recorder.refuses = (stream) => stream.endsWith('bad')
  const recording = await session.startRecording(INDIVIDUAL)
  assert.deepEqual(
    recorder.started.map(({ stream }) => stream),
    ['calls/room/good'],
  )
  assert.deepEqual(
    recording.failures.map(({ publication }) => publication?.id),
    ['bad'],
  )
})

test('a composed recording has every stream that flows, as soon as it does; without a composer it is refused', async () => {
  const without = setUp()
  await assert.rejects(without.session.startRecording({ ...INDIVIDUAL, mode: 'composed' }), {
    code: 'session/composing-unavailable',
  })
  assert.equal(without.session.recording, undefined)
  const composed: string[] = []
  const composer: RoomComposer = {
    async start({ output, layout, widthPixels }) {
      composed.push(`start ${output} ${layout} ${widthPixels}`)
      return {
        output,
        add(stream, { name, kind }) {
          composed.push(`add ${stream.path} ${name} ${kind}`)
          return { [Symbol.dispose]: () => void composed.push(`remove ${stream.path}`) }
        },
        end: async () => void composed.push('end'),
      }
    },
  }
  const { session, hub, recorder } = setUp(undefined, composer)
  const ann = admit(session, 'ann')
  const first = ann.publish(camera('one'))
  const publisher = { protocol: 'test', remoteAddress: '', connectionId: 'c', encoder: '', disconnect: () => {} }
  hub.publish(first.path, { ...NO_CONNECTION_FACTS, ...publisher })
  await session.startRecording({ ...INDIVIDUAL, mode: 'composed', layout: 'picture-in-picture', keepTracks: false })
  const second = ann.publish(camera('two', { kind: 'screen' }))
  hub.publish(second.path, { ...NO_CONNECTION_FACTS, ...publisher })
  second.end('unpublished')
  await session.stopRecording()
  assert.deepEqual(
    recorder.started.map(({ stream }) => stream),
    ['calls/room/~composed'],
  )
  assert.deepEqual(composed, [
    'start calls/room/~composed picture-in-picture 1280',
    'add calls/room/one ann camera',
    'add calls/room/two ann screen',
    'remove calls/room/two',
    'remove calls/room/one',
    'end',
  ])
})

test('composed, every publication is kept by itself as well; one that cannot be is no failure of the recording', async () => {
  const add = () => ({ [Symbol.dispose]() {} })
  const composer: RoomComposer = { start: async ({ output }) => ({ output, add, end: async () => {} }) }
  const { session, recorder } = setUp(undefined, composer)
  const ann = admit(session, 'ann')
  ann.publish(camera('one'))
  ann.publish(camera('bad'))
  recorder.refuses = (stream) => stream.endsWith('bad')
  const recording = await session.startRecording({ ...INDIVIDUAL, mode: 'composed' })
  ann.publish(camera('two'))
  await sleep(0)
  assert.deepEqual(
    recorder.started.map(({ stream, metadata }) => [stream, metadata?.['publication']]),
    [
      ['calls/room/~composed', undefined],
      ['calls/room/one', 'one'],
      ['calls/room/two', 'two'],
    ],
  )
  assert.deepEqual(recording.failures, [])
  await session.stopRecording()
  assert.deepEqual(recorder.stopped.sort(), ['r1', 'r2', 'r3'])
})

test('recorded by itself from the first publication to the last goodbye', async () => {
  const policy = { automatic: () => INDIVIDUAL, stopsUnusedAfterMs: 0 }
  const { session, recorder, events } = setUp(policy)
  const ann = admit(session, 'ann')
  assert.equal(session.recording, undefined, 'joining is not publishing')
  ann.publish(camera('one')).end('unpublished')
  ann.publish(camera('two'))
  await sleep(0)
  assert.deepEqual(recorder.started.map(({ stream }) => stream).sort(), ['calls/room/one', 'calls/room/two'])
  ann.leave('left')
  await sleep(0)
  assert.deepEqual(recorder.stopped.sort(), ['r1', 'r2'])
  assert.deepEqual(events.slice(-3), [
    'recording-stopping everybody-left',
    'recording-stopped everybody-left',
    'closed empty',
  ])
})

test('stopped on request, it begins again with the next first publication only where that is the policy', async () => {
  for (const startsAgain of [true, false]) {
    const policy = { automatic: () => INDIVIDUAL, stopsUnusedAfterMs: 0, startsAgain }
    const { session, recorder } = setUp(policy)
    const ann = admit(session, 'ann')
    const one = ann.publish(camera('one'))
    await sleep(0)
    await session.stopRecording()
    one.end('unpublished')
    ann.publish(camera('two'))
    await sleep(0)
    assert.equal(recorder.started.length, startsAgain ? 2 : 1)
  }
})

test('a recording that nobody but a request may stop keeps the room', async () => {
  const { session, events } = setUp()
  const ann = admit(session, 'ann')
  await session.startRecording(INDIVIDUAL)
  ann.leave('left')
  await sleep(20)
  assert.equal(session.closed, undefined)
  admit(session, 'bob').leave('left')
  await session.stopRecording()
  assert.deepEqual(events.slice(-2), ['recording-stopped requested', 'closed empty'])
})

test('a recording nobody needs is stopped in time; joining does not keep it, publishing does', async () => {
  const policy = { stopsUnusedAfterMs: 60 }
  const idle = setUp(policy)
  admit(idle.session, 'ann')
  await idle.session.startRecording(INDIVIDUAL)
  admit(idle.session, 'bob')
  const kept = setUp(policy)
  const cid = admit(kept.session, 'cid')
  await kept.session.startRecording(INDIVIDUAL)
  cid.publish(camera('one'))
  await sleep(150)
  assert.deepEqual(idle.events.slice(-2), ['recording-stopping unused', 'recording-stopped unused'])
  assert.equal(idle.session.closed, undefined, 'somebody is there')
  assert.equal(kept.session.recording?.state, 'started')
  cid.leave('left')
  await sleep(150)
  assert.deepEqual(kept.events.slice(-2), ['recording-stopped unused', 'closed unused'])
})

test('closing evicts everybody and finishes the recording', async () => {
  const { session, events } = setUp()
  const ann = admit(session, 'ann')
  ann.publish(camera('one'))
  await session.startRecording(INDIVIDUAL)
  session.close('requested')
  await sleep(0)
  assert.equal(ann.left, 'session-closed')
  assert.deepEqual(events.slice(-5), [
    'unpublished one session-closed',
    'left ann session-closed',
    'recording-stopping session-closed',
    'closed requested',
    'recording-stopped session-closed',
  ])
})
