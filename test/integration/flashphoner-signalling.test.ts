import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { StreamAccessDeniedError } from '#control/errors.ts'
import type { AccessRequest } from '#hub/access.ts'
import { StreamPathInUseError } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import { type ElementarySource, makeSource, toAccessUnit } from '#test/support/elementary-source.ts'
import { FlashphonerClient } from '#test/support/flashphoner-client.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { ScriptedWebRtc } from '#test/support/scripted-webrtc.ts'
import { MediaSessions } from '../../src/facades/flashphoner/media-sessions.ts'
import { Recordings } from '../../src/facades/flashphoner/recordings.ts'
import { readSettings } from '../../src/facades/flashphoner/settings.ts'
import { logRefusals } from '../../src/facades/flashphoner/signalling/desk.ts'
import { Rooms } from '../../src/facades/flashphoner/signalling/rooms.ts'
import { openSignalling, type SignallingDoor } from '../../src/facades/flashphoner/signalling/server.ts'

/** The signalling on a real socket and a real recorder, with a WebRTC that does what the test says. */
class Fixture implements AsyncDisposable {
  readonly recorder: RecorderFixture
  readonly webrtc: ScriptedWebRtc
  readonly sessions: MediaSessions
  readonly door: SignallingDoor
  readonly asked: AccessRequest[] = []
  /** Whom nobody may publish or play as. */
  isDenied = false
  readonly #owned: AsyncDisposableStack

  static async open(properties: Readonly<Record<string, string>> = {}, pingMs?: number): Promise<Fixture> {
    await using owned = new AsyncDisposableStack()
    const recorder = owned.use(await RecorderFixture.open())
    const { runtime, hub } = recorder
    const sessions = owned.use(new MediaSessions(runtime, hub))
    const settings = readSettings(new Map(Object.entries(properties)), 'test')
    const recordings = new Recordings({ runtime, recorder: recorder.recorder, settings })
    const webrtc = new ScriptedWebRtc(hub)
    const self: { fixture?: Fixture } = {}
    const access = {
      async authorize(asked: AccessRequest) {
        self.fixture?.asked.push(asked)
        if (self.fixture?.isDenied === true) throw new StreamAccessDeniedError(asked.action, asked.path, 'the test')
      },
    }
    const desk = {
      runtime,
      access,
      sessions,
      recordings,
      codecs: settings.codecs,
      rooms: new Rooms(),
      webrtc: () => webrtc,
      media: new Map(),
      refusals: logRefusals(runtime),
      tickets: undefined,
    }
    const door = owned.use(
      await openSignalling({
        desk,
        trust: { allowedHosts: [], allowedOrigins: ['https://app.example'] },
        listen: { host: '127.0.0.1', port: 0 },
        certificate: undefined,
        key: 'test',
        ...(pingMs !== undefined && { pingMs }),
      }),
    )
    self.fixture = new Fixture(recorder, webrtc, sessions, door, owned.move())
    return self.fixture
  }

  private constructor(
    recorder: RecorderFixture,
    webrtc: ScriptedWebRtc,
    sessions: MediaSessions,
    door: SignallingDoor,
    owned: AsyncDisposableStack,
  ) {
    this.recorder = recorder
    this.webrtc = webrtc
    this.sessions = sessions
    this.door = door
    this.#owned = owned
  }

  get url(): string {
    return `ws://127.0.0.1:${this.door.address.port}`
  }

  /** Something waits for the first access unit. */
  async recording(): Promise<void> {
    const deadlineMs = performance.now() + 60_000
    while (this.recorder.recorder.active().length === 0) {
      if (performance.now() > deadlineMs) throw new Error('nothing is being recorded')
      await sleep(5)
    }
  }

  /** A client whose stream is published. */
  async published(id: string, name: string, more: object = {}, facts: object = {}): Promise<FlashphonerClient> {
    const client = await FlashphonerClient.session(this.url, facts)
    client.publish(id, name, more)
    await client.next('setRemoteSDP')
    this.webrtc.last.connect()
    this.webrtc.last.become('flowing')
    assert.equal((await client.status())['status'], 'PUBLISHING')
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.webrtc.sessions) session.end('error')
    await this.#owned.disposeAsync()
  }
}

/** Puts a whole source into a stream, as its publisher does. */
function write(stream: Stream, source: ElementarySource): void {
  const formats = new Set(source.units.map(({ format }) => format))
  for (const format of formats) stream.setFormat(format)
  for (const unit of source.units) stream.write(toAccessUnit(stream.payloads, unit))
}

test('from connection to UNPUBLISHED: the file is final before its name is told', async () => {
  await using fixture = await Fixture.open()
  const source = await makeSource(fixture.recorder.folder, { video: 'h264', audio: 'aac', seconds: 2 })
  await using client = await FlashphonerClient.connect(`${fixture.url}/0123abcd?key=from-the-address`)
  client.send('connection', { appKey: 'defaultApp', custom: { login: 'alice' }, webRTCMetricsServerDescription: {} })
  const user = await client.nextObject('getUserData')
  assert.match(String(user['authToken']), /^[0-9a-f-]{36}$/)
  assert.equal(user['appKey'], 'defaultApp')
  assert.ok(!('webRTCMetricsServerDescription' in user), 'else the client begins to measure')

  client.publish('id-1', 'one', { record: true, sdp: 'the offer' })
  assert.deepEqual(await client.next('setRemoteSDP'), ['id-1', fixture.webrtc.last.answer])
  const { offer } = fixture.webrtc.last
  assert.deepEqual([offer.path, offer.sdp, offer.app], ['webrtc/one', 'the offer', 'webrtc'])
  assert.deepEqual(offer.codecs?.video?.slice(0, 2), ['h264', 'vp8'])
  assert.deepEqual(
    fixture.asked.map(({ action, path, remoteAddress, query }) => ({ action, path, remoteAddress, query })),
    [
      {
        action: 'publish',
        path: 'webrtc/one',
        remoteAddress: '127.0.0.1',
        query: { key: 'from-the-address' },
      },
    ],
  )
  const stream = fixture.webrtc.last.connect()
  const { login, sessionId } = fixture.sessions.get('id-1') ?? {}
  assert.equal(login, 'alice')
  assert.match(sessionId ?? '', new RegExp(`^/127\\.0\\.0\\.1:\\d+/127\\.0\\.0\\.1:${fixture.door.address.port}$`))
  fixture.webrtc.last.become('flowing')
  const publishing = await client.status()
  assert.deepEqual([publishing['status'], publishing['mediaSessionId']], ['PUBLISHING', 'id-1'])
  await fixture.recording()
  write(stream, source)
  client.stop('unPublishStream', 'id-1', 'one')
  const { status, recordName } = await client.status()
  assert.deepEqual([status, recordName], ['UNPUBLISHED', 'stream-id-1-alice.mp4'])
  assert.deepEqual(await readdir(fixture.recorder.root), ['stream-id-1-alice.mp4'])
  assert.equal((await fixture.recorder.ready()).state, 'ready')
  assert.equal(fixture.sessions.get('id-1'), undefined)
  // The id is free again.
  client.publish('id-1', 'one')
  await client.next('setRemoteSDP')
})

test('without record nothing is recorded, and no name is told', async () => {
  await using fixture = await Fixture.open()
  await using client = await fixture.published('id-1', 'one')
  client.stop('unPublishStream', 'id-1', 'one')
  const last = await client.status()
  assert.equal(last['status'], 'UNPUBLISHED')
  assert.ok(!('recordName' in last))
  assert.ok(!existsSync(fixture.recorder.root))
})

test('each end has the words that the vendor’s clients know', async () => {
  await using fixture = await Fixture.open()
  await using client = await FlashphonerClient.session(fixture.url)
  let id = 0
  for (const [reason, status, info] of [
    ['ice-timeout', 'FAILED', 'Failed by ICE timeout'],
    ['ice-lost', 'FAILED', 'Failed by ICE keep alive'],
    ['dtls-failed', 'FAILED', 'Failed by DTLS error'],
    ['idle', 'FAILED', 'Failed by RTP activity'],
    ['path-taken', 'FAILED', 'Stream name is already in use'],
    ['error', 'FAILED', 'Failed by error'],
    ['peer-closed', 'UNPUBLISHED', undefined],
  ] as const) {
    client.publish(`id-${++id}`, 'one')
    await client.next('setRemoteSDP')
    fixture.webrtc.last.end(reason)
    const last = await client.status()
    assert.deepEqual([last['status'], last['info'], last['mediaSessionId']], [status, info, `id-${id}`])
  }
  client.publish('id-t', 'one')
  await client.next('setRemoteSDP')
  fixture.webrtc.last.connect().publisher.disconnect('Stopped by rest /terminate')
  const last = await client.status()
  assert.deepEqual([last['status'], last['info']], ['UNPUBLISHED', 'Stopped by rest /terminate'])
})

test('what is refused is refused in the vendor’s words, and disturbs nobody', async () => {
  await using fixture = await Fixture.open()
  await using first = await fixture.published('id-1', 'one')
  const publishing = fixture.webrtc.last
  await using second = await FlashphonerClient.session(fixture.url)
  const refused = async () => {
    const { status, info } = await second.status()
    assert.equal(status, 'FAILED')
    return info
  }
  second.publish('id-2', 'one')
  assert.equal(await refused(), 'Stream name is already in use')
  second.publish('id-1', 'two')
  assert.equal(await refused(), 'MediaSessionId is already in use')
  second.send('publishStream', { name: 'two', sdp: 'v=0' })
  assert.deepEqual(await second.nextObject('fail'), {
    apiMethod: 'StreamStatusEvent',
    id: null,
    status: 'FAILED',
    info: 'MediaSessionId is null',
  })
  for (const name of ['', '/', '//', 5, null]) {
    second.publish('id-3', name as string)
    assert.equal(await refused(), 'Failed by error', String(name))
  }
  second.publish('id-3', 'three', { sdp: null })
  assert.equal(await refused(), 'Failed by error')
  fixture.webrtc.refusal = new StreamPathInUseError('webrtc/three')
  second.publish('id-3', 'three')
  assert.equal(await refused(), 'Stream name is already in use')
  fixture.webrtc.refusal = new Error('something unexpected')
  second.publish('id-3', 'three')
  assert.equal(await refused(), 'Failed by error')
  fixture.webrtc.refusal = undefined
  second.play('id-4', 'unknown')
  assert.equal(await refused(), 'Stream not found')
  fixture.isDenied = true
  second.publish('id-3', 'three')
  assert.equal(await refused(), 'Restricted access')
  second.play('id-4', 'one')
  assert.equal(await refused(), 'Restricted access')
  second.play('id-4', 'unknown')
  assert.equal(await refused(), 'Restricted access', 'who may not play does not learn what there is')
  assert.equal(publishing.state, 'flowing')
  assert.deepEqual(first.frames.slice(3), [])
})

test('a client that goes leaves finished files and no streams', async () => {
  await using fixture = await Fixture.open()
  const source = await makeSource(fixture.recorder.folder, { video: 'h264', audio: 'aac', seconds: 2 })
  const client = await fixture.published('id-1', 'one', { record: true })
  const session = fixture.webrtc.last
  await fixture.recording()
  assert.ok(session.stream !== undefined)
  write(session.stream, source)
  client.socket.terminate()
  const { state, parts } = await fixture.recorder.ready()
  assert.deepEqual([state, parts.map(({ path }) => path)], ['ready', ['stream-id-1-.mp4']])
  assert.equal(session.ended?.end.message, 'Stopped by session disconnect')
  assert.equal(fixture.recorder.hub.size, 0)
})

test('players: the stream of a name whichever way it comes, its events, its end', async () => {
  await using fixture = await Fixture.open()
  await using publisher = await fixture.published('id-1', 'one')
  const publishing = fixture.webrtc.last
  const encoder = fixture.recorder.publish('live/from-rtmp')
  await using player = await FlashphonerClient.session(fixture.url)
  const play = async (id: string, name: string) => {
    player.play(id, name)
    await player.next('setRemoteSDP')
    const session = fixture.webrtc.last
    session.become('connected')
    session.become('flowing')
    const { status, mediaSessionId, published } = await player.status()
    assert.deepEqual([status, mediaSessionId, published], ['PLAYING', id, false])
    return session
  }
  publisher.send('sendStreamEvent', { mediaSessionId: 'id-1', type: 'audioMuted' })
  const session = await play('p-1', 'one')
  assert.equal(session.path, 'webrtc/one')
  assert.equal((await play('p-2', 'from-rtmp')).path, 'live/from-rtmp')
  assert.equal(fixture.sessions.get('id-1')?.muted.audio, true)
  publisher.send('sendStreamEvent', { mediaSessionId: 'id-1', type: 'data', payload: { any: ['thing'] } })
  assert.deepEqual(await player.nextObject('notifyStreamEvent'), {
    mediaSessionId: 'p-1',
    type: 'data',
    payload: { any: ['thing'] },
  })
  // Nobody speaks for another's stream.
  player.send('sendStreamEvent', { mediaSessionId: 'id-1', type: 'videoMuted' })
  player.send('sendStreamEvent', { mediaSessionId: 'p-1', type: 'videoMuted' })
  player.send('availableStream', { mediaSessionId: 'a', name: 'one' })
  assert.deepEqual(await player.nextObject('availableStream'), { id: 'a', status: 'true' })
  assert.equal(fixture.sessions.get('id-1')?.muted.video, false)
  player.send('availableStream', { mediaSessionId: 'a', name: 'none' })
  assert.deepEqual(await player.nextObject('availableStream'), { id: 'a', status: 'false', info: 'Stream not found' })
  player.stop('stopStream', 'p-2', 'from-rtmp')
  assert.deepEqual((await player.status())['status'], 'STOPPED')
  publishing.end('peer-closed')
  session.end('stream-ended')
  const { status, info } = await player.status()
  assert.deepEqual([status, info], ['FAILED', 'Stopped by publisher stop'])
  encoder.end('unpublished')
})

test('rooms: who is there, what is published, messages, and no rotation', async () => {
  await using fixture = await Fixture.open({ record_rotation: '1', stream_record_policy: 'streamName' })
  const source = await makeSource(fixture.recorder.folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const member = (login: string) =>
    FlashphonerClient.session(fixture.url, { appKey: 'roomApp', custom: { login, token: 'secret' } })
  const command = async (client: FlashphonerClient, name: string, options: object) => {
    client.send('sendData', { operationId: `${name}-1`, payload: { command: name, options } })
    const { operationId, status, info } = await client.nextObject('DataStatusEvent')
    assert.equal(operationId, `${name}-1`)
    return info ?? status
  }
  const event = async (client: FlashphonerClient) => (await client.nextObject('OnDataEvent'))['payload']
  await using alice = await member('alice')
  alice.send('sendData', { operationId: 'j', payload: { command: 'join', options: { name: 'room', record: true } } })
  assert.deepEqual(await event(alice), { roomName: 'room', name: 'STATE', info: [] })
  assert.deepEqual(await alice.nextObject('DataStatusEvent'), { operationId: 'j', status: 'ACCEPTED' })
  assert.deepEqual(fixture.asked.at(-1)?.query, { key: 'secret' })

  alice.publish('id-1', 'room-alice-1f2e', { custom: { name: 'room' } })
  await alice.next('setRemoteSDP')
  const session = fixture.webrtc.last
  const stream = session.connect()
  session.become('flowing')
  assert.equal((await alice.status())['status'], 'PUBLISHING')
  await fixture.recording()

  await using bob = await member('bob')
  bob.send('sendData', { operationId: 'j', payload: { command: 'join', options: { name: 'room' } } })
  assert.deepEqual(await event(bob), {
    roomName: 'room',
    name: 'STATE',
    info: [{ login: 'alice', name: 'room-alice-1f2e' }],
  })
  assert.deepEqual(await event(alice), { roomName: 'room', name: 'JOINED', info: 'bob' })
  await using other = await member('bob')
  assert.equal(await command(other, 'join', { name: 'room' }), 'Already in the room')
  assert.equal(
    await command(other, 'sendMessage', { roomConfig: { name: 'room' }, to: 'bob', text: 'x' }),
    'Not in the room',
  )
  bob.send('sendData', {
    operationId: 'm',
    payload: { command: 'sendMessage', options: { roomConfig: { name: 'room' }, to: 'alice', text: 'hello' } },
  })
  assert.deepEqual(await event(alice), { roomName: 'room', name: 'MESSAGE', info: { from: 'bob', text: 'hello' } })

  write(stream, source)
  alice.stop('unPublishStream', 'id-1', 'room-alice-1f2e')
  const { recordName } = await alice.status()
  assert.equal(recordName, 'room-alice-1f2e.mp4', 'recorded since she joined so')
  assert.deepEqual(await readdir(fixture.recorder.root), ['room-alice-1f2e.mp4'], 'in one piece')
  const unpublished = { roomName: 'room', name: 'UNPUBLISHED', info: { login: 'alice', name: 'room-alice-1f2e' } }
  assert.deepEqual(await event(bob), unpublished)
  alice.socket.terminate()
  assert.deepEqual(await event(bob), { roomName: 'room', name: 'LEFT', info: 'alice' })
  fixture.isDenied = true
  assert.equal(await command(bob, 'join', { name: 'second' }), 'Restricted access')
  assert.equal(await command(bob, 'leave', { name: 'room' }), 'ACCEPTED')
  await using nobody = await FlashphonerClient.session(fixture.url)
  assert.equal(await command(nobody, 'join', { name: 'room' }), 'No application takes this')
})

test('whoever does not answer ten pings is gone; pings are answered', async () => {
  await using fixture = await Fixture.open({}, 20)
  await using alive = await FlashphonerClient.session(fixture.url)
  await using dead = await FlashphonerClient.session(fixture.url)
  dead.answersPings = false
  assert.equal((await dead.over()).reason, 'Terminated by keep-alive')
  assert.ok(dead.pings >= 10)
  await alive.pinged(15)
  assert.equal(alive.closed, undefined)
  alive.send('ping', null)
  assert.deepEqual(await alive.next('pong'), [null])
})

test('a client whose network has gone loses its streams, though it says no goodbye', async () => {
  await using fixture = await Fixture.open({}, 20)
  await using client = await fixture.published('id-1', 'one')
  const { last: session } = fixture.webrtc
  client.socket.pause()
  const ended = Promise.withResolvers<void>()
  using _ = session.stateChanged.listen(() => ended.resolve())
  await ended.promise
  assert.equal(session.ended?.end.message, 'Stopped by session disconnect')
  client.socket.terminate()
})

test('pages of other sites, of other names and behind proxies are not taken for this machine’s', async () => {
  await using fixture = await Fixture.open()
  const { port } = fixture.door.address
  const trusted = async (headers: Record<string, string>) => {
    await using client = await FlashphonerClient.session(fixture.url, {}, headers)
    client.send('availableStream', { mediaSessionId: 'a', name: 'one' })
    await client.next('availableStream')
    return fixture.asked.at(-1)?.remoteAddress
  }
  assert.equal(await trusted({}), '127.0.0.1')
  assert.equal(await trusted({ origin: 'http://127.0.0.1:8081' }), '127.0.0.1')
  assert.equal(await trusted({ origin: 'http://localhost:8081', host: `localhost:${port}` }), '127.0.0.1')
  assert.equal(await trusted({ origin: 'https://app.example' }), '127.0.0.1', 'an allowed origin')
  assert.equal(await trusted({ origin: 'https://elsewhere.example' }), '')
  assert.equal(await trusted({ origin: 'null' }), '')
  assert.equal(await trusted({ origin: 'http://rebound.example', host: `rebound.example:${port}` }), '')
  assert.equal(await trusted({ 'x-forwarded-for': '192.0.2.1' }), '')
})

test('hostile messages end their own connection at most', async () => {
  await using fixture = await Fixture.open()
  await using publisher = await fixture.published('id-1', 'one')
  const connect = () => FlashphonerClient.connect(fixture.url)
  for (const text of ['', '{', 'null', '[]', '{"message":5}', '{"data":[]}', '\u0000'.repeat(9)]) {
    await using client = await connect()
    client.socket.send(text)
    assert.equal((await client.over()).code, 1008, text)
  }
  {
    await using client = await connect()
    client.send('publishStream', { mediaSessionId: 'x', name: 'x', sdp: 'x' })
    assert.match((await client.over()).reason, /connection/)
  }
  {
    await using client = await FlashphonerClient.session(fixture.url)
    client.socket.send(`{"message":"${'x'.repeat(300 * 1024)}","data":[]}`)
    assert.equal((await client.over()).code, 1009)
  }
  await using client = await FlashphonerClient.session(fixture.url)
  client.socket.send(Buffer.from([1, 2, 3]))
  client.socket.send(`{"message":"sendData","data":[${'['.repeat(50_000)}${']'.repeat(50_000)}]}`)
  const messages = [
    'publishStream',
    'playStream',
    'unPublishStream',
    'stopStream',
    'availableStream',
    'sendStreamEvent',
  ]
  const names = fc.constantFrom(...messages, 'sendData', 'call', 'snapshot', 'pushLogs', '__proto__', 'constructor')
  const key = fc.constantFrom('mediaSessionId', 'name', 'sdp', 'custom', 'payload', 'options', 'type', 'command')
  const tree = fc.object({ key, maxDepth: 3, values: [fc.string(), fc.integer(), fc.constant(null), fc.boolean()] })
  for (const [message, data] of fc.sample(fc.tuple(names, fc.oneof(tree, fc.jsonValue())), 2_000)) {
    client.socket.send(JSON.stringify({ message, data: [data] }))
    if (client.closed !== undefined) break
  }
  client.send('ping', null)
  await client.next('pong')
  assert.equal(client.closed, undefined)
  // The healthy publisher goes on.
  publisher.send('ping', null)
  await publisher.next('pong')
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request({ port: fixture.door.address.port }, (response) => resolve(response.statusCode))
    asked.on('error', reject).end()
  })
  assert.equal(answer, 426)
})

test('when the server goes, clients learn how their files are called', async () => {
  await using fixture = await Fixture.open()
  const source = await makeSource(fixture.recorder.folder, { video: 'h264', audio: 'aac', seconds: 2 })
  await using client = await fixture.published('id-1', 'one', { record: true })
  await fixture.recording()
  const { stream } = fixture.webrtc.last
  assert.ok(stream !== undefined)
  write(stream, source)
  await fixture.door.close()
  const { status, recordName } = await client.status()
  assert.deepEqual([status, recordName], ['FAILED', 'stream-id-1-.mp4'])
  await fixture.door[Symbol.asyncDispose]()
  assert.equal((await client.over()).code, 1001)
})

test('any name a page chooses is recorded, inside the records folder', async () => {
  await using fixture = await Fixture.open({ stream_record_policy: 'streamName' })
  const source = await makeSource(fixture.recorder.folder, { video: 'h264', audio: 'aac', seconds: 1 })
  const names = [
    '../../x',
    'a\u0000b',
    'z'.repeat(4_000),
    '📹',
    '..',
    '.hidden',
    '\ud800 half',
    '{endTime}',
    '/etc/passwd',
    'a/b',
  ]
  await using client = await FlashphonerClient.session(fixture.url)
  for (const [index, name] of names.entries()) {
    const id = `id-${index}`
    client.publish(id, name, { record: true })
    await client.next('setRemoteSDP')
    const stream = fixture.webrtc.last.connect()
    fixture.webrtc.last.become('flowing')
    await client.status()
    await fixture.recording()
    write(stream, source)
    client.stop('unPublishStream', id, name)
    const { status, recordName } = await client.status()
    assert.equal(status, 'UNPUBLISHED')
    assert.ok((await readdir(fixture.recorder.root)).includes(String(recordName)), JSON.stringify(name.slice(0, 20)))
  }
  const entries = await readdir(fixture.recorder.root, { withFileTypes: true })
  assert.equal(entries.length, names.length)
  for (const entry of entries) assert.ok(entry.isFile(), entry.name)
})
