import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TapedeckError } from '#base/error.ts'
import { DEFAULT_PULL_OPTIONS } from '#base/pull-options.ts'
import type { PullStop } from '#hub/pull-source.ts'
import { RtmpPull } from '#ingest/pull/rtmp-pull.ts'
import { amfFields } from '#media/flv/amf-value.ts'
import { decodeUserControl, MessageType, UserControlEvent } from '#protocols/rtmp/message.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { type RtmpFixture, rtmpFixture } from '#test/support/rtmp-fixture.ts'
import { sendConfiguration, sendUnit } from '#test/support/rtmp-media.ts'
import { ScriptedOrigin } from '#test/support/scripted-origin.ts'
import { testConfig } from '#test/support/test-config.ts'

/** A pull into the fixture's hub, and how it ended. */
function pullInto(fixture: RtmpFixture, url: string, options: { verifyTls?: boolean; idleTimeoutMs?: number } = {}) {
  const { maxMessageBytes, maxChunkStreams } = testConfig('').rtmp
  const { idleTimeoutMs = 10_000, verifyTls = true } = options
  const limits = { connectTimeoutMs: 5_000, idleTimeoutMs, maxMessageBytes, maxChunkStreams }
  const source = new RtmpPull({ runtime: fixture.runtime, hub: fixture.hub, limits })
  const stopping = new AbortController()
  const streaming = Promise.withResolvers<void>()
  const ended = source
    .pull({
      path: 'pulled/cam1',
      url,
      verifyTls,
      ...DEFAULT_PULL_OPTIONS,
      signal: stopping.signal,
      onStreaming: streaming.resolve,
    })
    .then(
      () => undefined,
      (error: TapedeckError) => error,
    )
    .finally(() => source[Symbol.dispose]())
  return {
    streaming: streaming.promise,
    ended,
    stop: (reason: PullStop = { cause: 'disconnected', message: 'enough' }) => stopping.abort(reason),
  }
}

/** Two seconds of live/cam1; the connection stays. */
async function published(origin: RtmpFixture): Promise<RtmpClient> {
  const source = await makeSource(origin.folder, { video: 'h264', audio: 'aac' })
  const client = await RtmpClient.open(origin.port)
  await client.status('publish', 'cam1')
  for (const format of source.formats) sendConfiguration(client, format)
  for (const unit of source.units) sendUnit(client, unit)
  return client
}

test('a pulled stream is the origin’s, byte for byte and tick for tick, from its last random access point on', async () => {
  await using origin = await rtmpFixture()
  await using here = await rtmpFixture()
  const source = await makeSource(origin.folder, { video: 'h264', audio: 'aac', seconds: 4 })
  using client = await RtmpClient.open(origin.port)
  assert.equal(await client.status('publish', 'cam1'), 'NetStream.Publish.Start')
  for (const format of source.formats) sendConfiguration(client, format)
  const half = source.units.findIndex(({ format, dts }) => dts >= 2.5 * format.timescale)
  for (const unit of source.units.slice(0, half)) sendUnit(client, unit)
  const sent = await origin.tape(0)
  while (sent.units.length < half) await sleep(10)
  const pull = pullInto(here, origin.url('live/cam1?token=secret'))
  await pull.streaming
  for (const unit of source.units.slice(half)) sendUnit(client, unit)
  const tape = await here.tape(0)
  const isKey = ({ format, isRandomAccess }: { format: { kind: string }; isRandomAccess: boolean }) =>
    format.kind === 'video' && isRandomAccess
  const expected = sent.units.slice(sent.units.slice(0, half).findLastIndex(isKey))
  while (sent.units.length < source.units.length) await sleep(10)
  const all = sent.units.slice(sent.units.slice(0, half).findLastIndex(isKey))
  while (tape.units.length < all.length) await sleep(10)
  assert.ok(expected.length > 0)
  for (const kind of ['video', 'audio'] as const) {
    const of = (units: typeof all) => units.filter(({ format }) => format.kind === kind)
    const [got, wanted] = [of(tape.units), of(all)]
    assert.deepEqual(
      got.map(({ payload }) => payload),
      wanted.map(({ payload }) => payload),
    )
    const steps = (units: typeof all) => units.map(({ dts }) => dts - (units[0]?.dts ?? 0))
    const tolerance = (got[0]?.format.timescale ?? 0) / 1000
    for (const [index, step] of steps(got).entries()) {
      assert.ok(Math.abs(step - (steps(wanted)[index] ?? 0)) <= tolerance, `${kind} ${index}`)
    }
    assert.deepEqual(got[0]?.format.configuration, wanted[0]?.format.configuration)
  }
  const { publisher } = tape.stream
  assert.equal(publisher.protocol, 'rtmp-pull')
  assert.equal(publisher.remoteAddress, '127.0.0.1')
  assert.equal(publisher.remotePort, origin.port)
  assert.deepEqual(publisher.query, {})
  client.deleteStream()
  assert.equal((await pull.ended)?.code, 'pull/source-ended')
  assert.equal((await tape.ended).cause, 'unpublished')
  assert.ok(!JSON.stringify([here.events, await pull.ended]).includes('secret'))
})

test('stopping ends the stream, takes leave of the origin and leaves no memory behind', async () => {
  await using origin = await rtmpFixture()
  await using here = await rtmpFixture()
  using _client = await published(origin)
  const pull = pullInto(here, origin.url('live/cam1'))
  await pull.streaming
  const tape = await here.tape(0)
  pull.stop()
  assert.equal(await pull.ended, undefined)
  assert.deepEqual(await tape.ended, { cause: 'disconnected', message: 'enough' })
  assert.equal(here.hub.payloads.inUseBytes, 0)
  while (origin.server.counters.connections > 1) await sleep(10)
})

test('who disconnects the publisher of a pulled stream ends its connection', async () => {
  await using origin = await rtmpFixture()
  await using here = await rtmpFixture()
  using _client = await published(origin)
  const pull = pullInto(here, origin.url('live/cam1'))
  await pull.streaming
  const tape = await here.tape(0)
  tape.stream.publisher.disconnect('asked')
  assert.deepEqual(await tape.ended, { cause: 'disconnected', message: 'asked' })
  assert.equal((await pull.ended)?.code, 'pull/source-ended')
})

test('an origin without the stream: stream-not-found', async () => {
  await using origin = await rtmpFixture()
  await using here = await rtmpFixture()
  const error = await pullInto(here, origin.url('live/none?key=secret')).ended
  assert.equal(error?.code, 'pull/stream-not-found')
  assert.ok(!error.message.includes('secret'))
  assert.equal(here.hub.size, 0)
})

test('a connection that breaks is lost, and so is its stream', async () => {
  await using here = await rtmpFixture()
  await using origin = await rtmpFixture()
  using client = await published(origin)
  const pull = pullInto(here, origin.url('live/cam1'))
  await pull.streaming
  const tape = await here.tape(0)
  client.socket.destroy()
  await origin.server.close()
  assert.match((await pull.ended)?.code ?? '', /^pull\/(source-ended|connection-lost)$/)
  assert.match((await tape.ended).cause, /^(unpublished|lost)$/)
})

test('nobody listens, or it is not RTMP: typed errors', async () => {
  await using here = await rtmpFixture()
  const server = createServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const wrong = await pullInto(here, `rtmp://127.0.0.1:${port}/live/cam1`).ended
  assert.equal(wrong?.code, 'pull/protocol-unexpected')
  server.close()
  await once(server, 'close')
  const nobody = await pullInto(here, `rtmp://me:secret@127.0.0.1:${port}/live/cam1`).ended
  assert.equal(nobody?.code, 'pull/connect-failed')
  assert.ok(!nobody.message.includes('secret'))
})

test('an origin that says nothing is given up: connect timeout', async () => {
  await using here = await rtmpFixture()
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const pull = pullInto(here, `rtmp://127.0.0.1:${port}/live/cam1`)
  here.advance(6_000)
  const error = await pull.ended
  assert.equal(error?.code, 'pull/connect-timeout')
  server.close()
})

test('an origin without media is given up: idle timeout; its pings are answered', async () => {
  await using here = await rtmpFixture()
  await using origin = await ScriptedOrigin.open((command, peer) => {
    peer.accept(command)
    if (command.name !== 'play') return
    peer.status('status', 'NetStream.Play.Start')
    peer.userControl(UserControlEvent.pingRequest, 4711)
  })
  const pull = pullInto(here, `rtmp://127.0.0.1:${origin.port}/live/cam1`)
  const answered = () =>
    origin.peers[0]?.received.some((message) => {
      if (message.typeId !== MessageType.userControl) return false
      const { event, values } = decodeUserControl(message)
      return event === UserControlEvent.pingResponse && values[0] === 4711
    })
  while (answered() !== true) await sleep(10)
  here.advance(11_000)
  assert.equal((await pull.ended)?.code, 'pull/idle-timeout')
})

const REFUSALS = [
  { status: 'NetStream.Play.StreamNotFound', level: 'error', code: 'pull/stream-not-found' },
  { status: 'NetStream.Play.Failed', level: 'error', code: 'pull/refused' },
  { status: 'NetStream.Play.Failed', level: 'status', code: 'pull/refused' },
  { status: 'NetStream.Play.UnpublishNotify', level: 'status', code: 'pull/source-ended' },
  { status: 'NetConnection.Connect.Closed', level: 'status', code: 'pull/connection-lost' },
] as const
for (const { status, level, code } of REFUSALS) {
  test(`${status} (${level}) is ${code}`, async () => {
    await using here = await rtmpFixture()
    await using origin = await ScriptedOrigin.open((command, peer) => {
      peer.accept(command)
      if (command.name === 'play') peer.status(level, status, 'because')
    })
    const error = await pullInto(here, `rtmp://127.0.0.1:${origin.port}/live/cam1`).ended
    assert.equal(error?.code, code)
  })
}

test('a connect that is refused is told with the origin’s words', async () => {
  await using here = await rtmpFixture()
  await using origin = await ScriptedOrigin.open(({ transactionId }, peer) => {
    peer.command('_error', transactionId, null, { code: 'NetConnection.Connect.Rejected', description: 'no such app' })
  })
  const error = await pullInto(here, `rtmp://127.0.0.1:${origin.port}/live/cam1`).ended
  assert.equal(error?.code, 'pull/refused')
  assert.match(error.message, /no such app/)
})

test('an origin that asks for a login gets it, with a digest instead of the password', async () => {
  await using here = await rtmpFixture()
  const need = '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : '
  const challenge = `${need}?reason=needauth&user=me&salt=c2FsdA==&challenge=Y2g=&opaque=b3A=`
  const apps: string[] = []
  await using origin = await ScriptedOrigin.open((command, peer) => {
    if (command.name === 'connect') apps.push(String(amfFields(command.args[0])['app']))
    const description = [need, challenge][apps.length - 1]
    if (description === undefined) peer.accept(command)
    else peer.command('_error', command.transactionId, null, { code: 'NetConnection.Connect.Rejected', description })
    if (command.name === 'play') peer.status('error', 'NetStream.Play.StreamNotFound')
  })
  const error = await pullInto(here, `rtmp://me:secret@127.0.0.1:${origin.port}/live/cam1`).ended
  assert.equal(error?.code, 'pull/stream-not-found', 'it got in')
  assert.deepEqual(apps.slice(0, 2), ['live', 'live?authmod=adobe&user=me'])
  assert.match(apps[2] ?? '', /^live\?authmod=adobe&user=me&challenge=[0-9a-f]{8}&response=[\w+/]{22}==&opaque=b3A=$/)
  assert.ok(!JSON.stringify([apps, here.events]).includes('secret'))
})

test('an origin that is never content with the login is given up', async () => {
  await using here = await rtmpFixture()
  let connections = 0
  await using origin = await ScriptedOrigin.open(({ transactionId }, peer) => {
    connections++
    const description = 'authmod=adobe ?reason=needauth&salt=a&challenge=b'
    peer.command('_error', transactionId, null, { code: 'NetConnection.Connect.Rejected', description })
  })
  const error = await pullInto(here, `rtmp://me:secret@127.0.0.1:${origin.port}/live/cam1`).ended
  assert.equal(error?.code, 'pull/refused')
  assert.equal(connections, 3)
})

test('application, stream name and query reach the origin as other clients send them', async () => {
  await using here = await rtmpFixture()
  const seen: Record<string, unknown> = {}
  await using origin = await ScriptedOrigin.open((command, peer) => {
    peer.accept(command)
    if (command.name === 'connect') Object.assign(seen, amfFields(command.args[0]))
    if (command.name !== 'play') return
    seen['name'] = command.args[1]
    peer.status('error', 'NetStream.Play.StreamNotFound')
  })
  await pullInto(here, `rtmp://me:secret@127.0.0.1:${origin.port}/app/room/cam1?token=a/b`).ended
  assert.equal(seen['app'], 'app/room')
  assert.equal(seen['tcUrl'], `rtmp://127.0.0.1:${origin.port}/app/room`)
  assert.equal(seen['name'], 'cam1?token=a/b')
})

test('a taken path refuses the pull, and leaves its publisher alone', async () => {
  await using origin = await rtmpFixture()
  await using here = await rtmpFixture()
  using _client = await published(origin)
  using local = await RtmpClient.open(here.port, 'pulled')
  await local.status('publish', 'cam1')
  assert.equal((await pullInto(here, origin.url('live/cam1')).ended)?.code, 'stream/path-in-use')
  assert.equal(here.hub.get('pulled/cam1')?.publisher.protocol, 'rtmp')
})

test('TLS: an unknown certificate is refused, unless told not to look', async () => {
  await using origin = await rtmpFixture()
  await using here = await rtmpFixture()
  using _client = await published(origin)
  const url = `rtmps://127.0.0.1:${origin.tlsPort}/live/cam1`
  assert.equal((await pullInto(here, url).ended)?.code, 'pull/connect-failed')
  const pull = pullInto(here, url, { verifyTls: false })
  await pull.streaming
  assert.equal((await here.tape(0)).stream.publisher.protocol, 'rtmps-pull')
  pull.stop()
  assert.equal(await pull.ended, undefined)
})

test('what only packets have a choice in is refused', async () => {
  await using here = await rtmpFixture()
  const { maxMessageBytes, maxChunkStreams } = testConfig('').rtmp
  const limits = { connectTimeoutMs: 5_000, idleTimeoutMs: 10_000, maxMessageBytes, maxChunkStreams }
  using source = new RtmpPull({ runtime: here.runtime, hub: here.hub, limits })
  const url = here.url('live/cam1')
  source.check(url, DEFAULT_PULL_OPTIONS)
  for (const option of [{ transport: 'udp' }, { transport: 'tcp' }, { damaged: 'keep' }] as const) {
    assert.throws(() => source.check(url, { ...DEFAULT_PULL_OPTIONS, ...option }), { code: 'pull/option-unsupported' })
  }
})
