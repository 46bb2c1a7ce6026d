import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ListenAddress } from '#config/config.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'
import { EventReader } from '#test/support/event-reader.ts'

let fixture: ApiFixture
let address: ListenAddress
before(async () => {
  const tokens = [
    { name: 'all', token: 'T-all', role: 'play', match: '**' },
    { name: 'site', token: 'T-site', role: 'play', match: 'site/*' },
    { name: 'desk', token: 'T-desk', role: 'record', match: '**' },
    { name: 'one', token: 'T-one', role: 'record', match: '*' },
  ] as const
  const listen = { host: '127.0.0.1', port: 0 }
  fixture = await apiFixture({
    config: {
      api: { listen, allowedOrigins: [], allowedHosts: [] },
      auth: { tokens, publish: 'open', play: 'open' },
    },
  })
  address = await fixture.api.listen()
})
after(() => fixture[Symbol.asyncDispose]())

const open = (query: string, headers: Record<string, string> = {}) =>
  EventReader.open(`http://127.0.0.1:${address.port}/api/v1/events?${query}`, headers)

test('events arrive as they happen', async () => {
  await using reader = await open('token=T-all')
  assert.equal(reader.contentType, 'text/event-stream')
  const recording = await fixture.recorder.add({}, Buffer.from('x'))
  await fixture.recorder.remove(recording.id)
  const event = await reader.next()
  assert.equal(event.event, 'recording.deleted')
  const { id, type, data } = JSON.parse(event.data)
  assert.equal(id, event.id)
  assert.equal(type, 'recording.deleted')
  assert.equal(data.recording.id, recording.id)
})

test('who comes back gets what he missed, once', async () => {
  const recording = await fixture.recorder.add({}, Buffer.from('x'))
  const emit = (type: 'recording.impaired' | 'recording.resumed') => fixture.recorder.events.emit({ type, recording })
  let lastId: string
  {
    await using reader = await open('token=T-all')
    emit('recording.impaired')
    lastId = (await reader.next()).id
  }
  emit('recording.resumed')
  emit('recording.impaired')
  for (const [query, headers] of [
    ['token=T-all', { 'last-event-id': lastId }],
    [`token=T-all&lastEventId=${lastId}`, {}],
  ] as const) {
    await using reader = await open(query, headers)
    emit('recording.resumed')
    assert.equal((await reader.next()).event, 'recording.resumed')
    assert.equal((await reader.next()).event, 'recording.impaired')
    assert.equal((await reader.next()).event, 'recording.resumed')
  }
})

test('what happens to rules concerns those who may read all of them', async () => {
  const recording = await fixture.recorder.add({ stream: 'site' }, Buffer.from('x'))
  const rule = { ...NEW_RULE, id: 'a', match: '**', origin: 'api' } as const
  for (const [token, sees] of [
    ['T-desk', 'rule.added'],
    ['T-all', 'recording.resumed'],
    ['T-one', 'recording.resumed'],
  ] as const) {
    await using reader = await open(`token=${token}`)
    fixture.recorder.events.emit({ type: 'rule.added', rule })
    fixture.recorder.events.emit({ type: 'recording.resumed', recording })
    const { event, data } = await reader.next()
    assert.equal(event, sees, token)
    if (event === 'rule.added') assert.deepEqual(JSON.parse(data).data, { rule })
  }
})

test('who was away too long is told so', async () => {
  await using reader = await open('token=T-all', { 'last-event-id': 'of-another-run' })
  assert.equal((await reader.next()).event, 'events.missed')
})

test('a limited token hears of its own streams only', async () => {
  await using reader = await open('token=T-site')
  const other = await fixture.recorder.add({ stream: 'live/b' }, Buffer.from('x'))
  const own = await fixture.recorder.add({ stream: 'site/a' }, Buffer.from('x'))
  await fixture.recorder.remove(other.id)
  await fixture.recorder.remove(own.id)
  assert.equal(JSON.parse((await reader.next()).data).data.recording.stream, 'site/a')
})

test('rooms are told to those who reach their streams, and again to who comes back', async () => {
  const { sessions } = fixture.control
  let lastId: string
  {
    await using reader = await EventReader.open(`http://127.0.0.1:${address.port}/api/v1/events?token=T-site`, {})
    // Reached by nobody who is limited to site/*.
    sessions.create({ id: 'elsewhere', streamPrefix: 'site', origin: 'test' })
    const recording = await fixture.recorder.add({ stream: 'site/a' }, Buffer.from('x'))
    fixture.recorder.events.emit({ type: 'recording.resumed', recording })
    assert.equal((await reader.next()).event, 'recording.resumed')
  }
  const room = sessions.create({ id: 'class-2', streamPrefix: 'school', origin: 'test' })
  {
    await using reader = await open('token=T-all')
    room.admit({ id: 'ann', role: 'publisher' })
    const joined = await reader.next()
    assert.equal(joined.event, 'session.joined')
    assert.equal(JSON.parse(joined.data).data.participant.id, 'ann')
    lastId = joined.id
  }
  room.close('requested')
  await using reader = await open('token=T-all', { 'last-event-id': lastId })
  const [left, closed] = [await reader.next(), await reader.next()]
  assert.deepEqual([left.event, closed.event], ['session.left', 'session.closed'])
  assert.equal(JSON.parse(closed.data).data.reason, 'requested')
})

test('closing the server ends open event streams', async () => {
  const listen = { host: '127.0.0.1', port: 0 }
  const other = await apiFixture({ config: { api: { listen, allowedOrigins: [], allowedHosts: [] } } })
  const { port } = await other.api.listen()
  await using reader = await EventReader.open(`http://127.0.0.1:${port}/api/v1/events`)
  await other[Symbol.asyncDispose]()
  await assert.rejects(reader.next())
})

test('a reader who does not read is dropped', async () => {
  const listen = { host: '127.0.0.1', port: 0 }
  await using other = await apiFixture({ config: { api: { listen, allowedOrigins: [], allowedHosts: [] } } })
  const { port } = await other.api.listen()
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await once(socket, 'readable')
  const connections = promisify(other.api.app.server.getConnections.bind(other.api.app.server))
  assert.equal(await connections(), 1)
  const recording = await other.recorder.add({ metadata: { note: 'x'.repeat(1_000_000) } }, Buffer.from('x'))
  // The system's own buffers take some megabytes before the server's grow.
  for (let i = 0; i < 40 && (await connections()) > 0; i++) {
    other.recorder.events.emit({ type: 'recording.impaired', recording })
    await setImmediate()
  }
  assert.equal(await connections(), 0)
  socket.destroy()
})
