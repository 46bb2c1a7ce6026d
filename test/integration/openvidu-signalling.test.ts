import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** The signalling as it is on the wire; with the vendor's own libraries it is in test/interop. */

const owned = new AsyncDisposableStack()
let openvidu: OpenViduServer
let host: string
before(async () => {
  const folder = owned.use(await TempFolder.make())
  openvidu = owned.use(await OpenViduServer.start(folder.path, {}))
  host = new URL(openvidu.url).host
})
after(() => owned.disposeAsync())

const secret = (session: string, more = '') => `wss://${host}?sessionId=${session}&secret=a_secret${more}`
const recorder = (session: string) => secret(session, '&recorder=true')

async function token(session: string, role = 'PUBLISHER', data = ''): Promise<string> {
  await openvidu.call('POST', '/api/sessions', { body: { customSessionId: session } })
  const { text } = await openvidu.call('POST', '/api/tokens', { body: { session, role, data } })
  return JSON.parse(text).token
}

/** A socket that speaks no library's language. */
class RawLine implements Disposable {
  readonly socket: WebSocket
  readonly frames: Record<string, unknown>[] = []
  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString())))
    socket.on('error', () => {})
  }
  static async open(path = '/openvidu'): Promise<RawLine> {
    const line = new RawLine(new WebSocket(`wss://${host}${path}`, { rejectUnauthorized: false }))
    await once(line.socket, 'open', { signal: AbortSignal.timeout(60_000) })
    return line
  }
  async ask(text: string): Promise<Record<string, unknown>> {
    const before = this.frames.length
    this.socket.send(text)
    for (let tries = 0; tries < 200 && this.frames.length === before; tries++) await sleep(10)
    return this.frames[before] ?? {}
  }
  [Symbol.dispose](): void {
    this.socket.terminate()
  }
}

test('every request is answered once, with a result or an error; what is none is not', async () => {
  using line = await RawLine.open('/openvidu?sessionId=any&reconnect=true')
  for (const garbage of [
    '',
    '{',
    'null',
    '[]',
    '7',
    '{"method":1,"id":1}',
    '{"id":1,"result":{}}',
    '{"method":"ping"}',
  ]) {
    line.socket.send(garbage)
  }
  line.socket.send(Buffer.from([1, 2, 3]), { binary: true })
  const pong = await line.ask('{"jsonrpc":"2.0","method":"ping","params":{"interval":5000},"id":0}')
  assert.deepEqual(pong, { jsonrpc: '2.0', id: 0, result: { value: 'pong', sessionId: '' } })
  const code = async (method: string, params: unknown = {}) => {
    const { error } = await line.ask(JSON.stringify({ jsonrpc: '2.0', method, params, id: 1 }))
    return (error as { code?: number } | undefined)?.code
  }
  assert.equal(await code('publishVideo'), 803)
  assert.equal(await code('connect', { sessionId: 'nobody' }), 40007)
  for (const params of [{}, null, [], { session: 1, token: {} }, { session: 'x', token: 'y'.repeat(5_000) }]) {
    assert.equal(await code('joinRoom', params), 401, JSON.stringify(params)?.slice(0, 40))
  }
  assert.equal(await code('joinRoom', { session: 'x', metadata: 'm'.repeat(10_001) }), 500)
  assert.equal(await code('joinRoom', { session: '../x', secret: 'a_secret' }), 204)
  assert.equal(await code('joinRoom', { session: 'nowhere', secret: 'a_secret', recorder: true }), 202)
})

test('WebSockets are at /openvidu only', async () => {
  for (const path of ['/', '/openvidu/info', '/openvidu/../openvidu2']) {
    const socket = new WebSocket(`wss://${host}${path}`, { rejectUnauthorized: false })
    const [error] = (await once(socket, 'error')) as [Error]
    assert.match(error.message, /404/, path)
  }
})

test('the join answer has what clients of all years need; others are never shown with a role', async () => {
  await using ann = await ScriptedParticipant.join(await token('joining', 'MODERATOR', 'server'), 'client')
  await using bob = await ScriptedParticipant.join(await token('joining', 'SUBSCRIBER'))
  const { value, ...facts } = ann.joined
  assert.deepEqual(value, [])
  assert.deepEqual(
    [facts['metadata'], facts['role'], facts['session'], facts['version'], facts['mediaServer'], facts['record']],
    ['client%/%server', 'MODERATOR', 'joining', '2.32.2', 'kurento', true],
  )
  const [other] = bob.joined['value'] as Record<string, unknown>[]
  assert.deepEqual(Object.keys(other ?? {}).sort(), ['createdAt', 'id', 'metadata'])
  assert.equal(other?.['id'], ann.id)
  const told = await ann.notified('participantJoined')
  assert.deepEqual([told['id'], told['metadata']], [bob.id, ''])
  assert.deepEqual(bob.heard, [], 'nobody is told of himself')
})

test('RECORDER: invisible to clients and REST, hears signals, is alone, keeps nothing open', async () => {
  const ann = await ScriptedParticipant.join(await token('watched'))
  await using page = await ScriptedParticipant.join(recorder('watched'))
  assert.equal(page.id, 'RECORDER')
  await assert.rejects(ScriptedParticipant.join(recorder('watched')), /^Error: 104 /)
  await assert.rejects(page.call('publishVideo', { sdpOffer: 'v=0' }), /^Error: 401 /)
  await using bob = await ScriptedParticipant.join(await token('watched'))
  assert.deepEqual(
    (bob.joined['value'] as { id: string }[]).map(({ id }) => id),
    [ann.id],
  )
  await ann.call('sendMessage', { message: JSON.stringify({ to: [], type: 'signal:layout', data: 'grid' }) })
  const heard = { data: 'grid', type: 'signal:layout', from: ann.id }
  for (const each of [ann, bob, page]) assert.deepEqual(await each.notified('sendMessage'), heard)
  const { text } = await openvidu.call('GET', '/api/sessions/watched')
  assert.equal(JSON.parse(text).connections.numberOfElements, 2)
  assert.deepEqual(
    ann.heard.map(({ method }) => method),
    ['participantJoined', 'sendMessage'],
  )
  await ann.leave()
  await bob.leave()
  assert.deepEqual(await page.notified('participantEvicted'), {
    connectionId: 'RECORDER',
    reason: 'sessionClosedByServer',
  })
  assert.equal((await openvidu.call('GET', '/api/sessions/watched')).status, 404)
  const again = await ScriptedParticipant.join(await token('watched'))
  for (const _ of [1, 2]) await (await ScriptedParticipant.join(recorder('watched'))).leave()
  await again.leave()
})

test('signals: to some, to nobody who is there, of no form; unknown methods', async () => {
  await using ann = await ScriptedParticipant.join(await token('signals'))
  await using bob = await ScriptedParticipant.join(await token('signals'))
  const send = (message: unknown) => ann.call('sendMessage', { message })
  await send(JSON.stringify({ to: [bob.id], type: 'x', data: 'only you' }))
  assert.deepEqual(await bob.notified('sendMessage'), { data: 'only you', type: 'signal:x', from: ann.id })
  await assert.rejects(send(JSON.stringify({ to: ['con_nobody'], data: '' })), /^Error: 601 /)
  for (const message of [undefined, 'no json', '7', '{"to":"all"}', '{"to":[1]}', 'x'.repeat(70_000)]) {
    await assert.rejects(send(message), /^Error: 600 /)
  }
  assert.equal(ann.heard.filter(({ method }) => method === 'sendMessage').length, 0)
  await assert.rejects(ann.call('applyFilter', {}), /^Error: -32601 /)
  for (const method of ['onIceCandidate', 'videoData', 'echo'])
    await ann.call(method, { candidate: '', endpointName: 'x' })
  await assert.rejects(ann.call('unpublishVideo', {}), /^Error: 105 /)
  await assert.rejects(ann.call('receiveVideoFrom', { sender: 'nobody', sdpOffer: 'v=0' }), /^Error: 105 /)
  await assert.rejects(ann.call('publishVideo', { sdpOffer: 'nonsense' }), /^Error: 302 /)
  await assert.rejects(ann.call('forceDisconnect', { connectionId: bob.id }), /^Error: 401 /)
  await assert.rejects(ann.call('streamPropertyChanged', { streamId: 'x', property: 'audioActive' }), /^Error: 105 /)
})

test('a socket that is lost may come back for ten seconds; then the others are told', async () => {
  const lost = await ScriptedParticipant.join(await token('lost'))
  await using other = await ScriptedParticipant.join(await token('lost'))
  const rpcId = lost.joined['sessionId']
  // Closed with no goodbye that counts: 1005.
  await lost[Symbol.asyncDispose]()
  using line = await RawLine.open()
  const back = await line.ask(
    JSON.stringify({ jsonrpc: '2.0', method: 'connect', params: { sessionId: rpcId }, id: 3 }),
  )
  assert.deepEqual(back['result'], { value: 'reconnection successful', sessionId: rpcId })
  await other.call('sendMessage', { message: '{"data":"there again"}' })
  await sleep(200)
  assert.match(JSON.stringify(line.frames.at(-1)), /there again/)
  line.socket.terminate()
  await sleep(9_000)
  assert.equal(
    other.heard.some(({ method }) => method === 'participantLeft'),
    false,
  )
  const left = await other.notified('participantLeft')
  assert.deepEqual(left, { connectionId: lost.id, name: lost.id, reason: 'networkDisconnect' })
})
