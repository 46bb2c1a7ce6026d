import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TapedeckError } from '#base/error.ts'
import type { PublishRequest, RtmpCall, RtmpExtension } from '#ingest/rtmp/extension.ts'
import { amfFields } from '#media/flv/amf-value.ts'
import { encodeAmf0 } from '#media/flv/amf0.ts'
import { decodeCommand, MessageType } from '#protocols/rtmp/message.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { rtmpFixture } from '#test/support/rtmp-fixture.ts'

class RefusedError extends TapedeckError {
  readonly code = 'test/refused'
  readonly origin = 'client'
}
class BrokenError extends TapedeckError {
  readonly code = 'test/broken'
  readonly origin = 'storage'
}

/** Notes what it is told, and ends when the test lets it. */
function notingExtension() {
  const published: PublishRequest[] = []
  const calls: RtmpCall[] = []
  const ending = Promise.withResolvers<void>()
  const extension: RtmpExtension = {
    target: ({ name, query }) => {
      if (name === 'refused') throw new RefusedError('not this name')
      return name.startsWith('other:') ? { path: `elsewhere/${name.slice(6)}`, query } : undefined
    },
    published: (request, _stream, status) => {
      published.push(request)
      status('status', 'Test.Begin', 'begins')
      return {
        end: async () => {
          await ending.promise
          status('status', 'Test.End', 'ends')
        },
      }
    },
    command: (call) => {
      calls.push(call)
      if (call.name === 'refuse') return Promise.reject(new RefusedError('not now'))
      if (call.name === 'break') return Promise.reject(new BrokenError('/secret/folder is full'))
      if (call.name === 'hang') return ending.promise.then(() => true)
      return call.name === 'answer' ? Promise.resolve({ path: call.published.join() }) : undefined
    },
  }
  return { extension, published, calls, ending }
}

test('a publication: named by the extension, accompanied from Publish.Start to Unpublish.Success', async () => {
  const { extension, published, ending } = notingExtension()
  await using fixture = await rtmpFixture({ extension })
  using client = await RtmpClient.open(fixture.port, 'live/studio?x=1')
  assert.equal(await client.status('publish', 'refused', 'live'), 'NetStream.Publish.Rejected')
  assert.equal(await client.status('publish', 'other:cam?y=2', 'Record'), 'NetStream.Publish.Start')
  assert.equal(client.lastStatus['details'], 'other:cam?y=2')
  assert.equal(await client.nextStatus(), 'Test.Begin')
  const [request] = published
  assert.deepEqual(
    [request?.app, request?.instance, request?.name, request?.publishType, request?.encoder],
    ['live', 'studio', 'other:cam?y=2', 'Record', 'test'],
  )
  const { publisher, path } = (await fixture.tape(0)).stream
  assert.equal(path, 'elsewhere/cam?y=2')
  assert.deepEqual(
    [publisher.app, publisher.instance, publisher.localPort, publisher.localAddress, { ...publisher.query }],
    ['live', 'studio', fixture.port, '127.0.0.1', { x: '1' }],
  )
  assert.equal(publisher.remotePort, client.socket.localPort)
  client.tell('closeStream', null)
  const next = client.status('publish', 'again', 'live')
  await sleep(50)
  ending.resolve()
  assert.equal(await next, 'Test.End')
  assert.equal(await client.nextStatus(), 'NetStream.Unpublish.Success')
  assert.equal(await client.nextStatus(), 'NetStream.Publish.Start')
})

test('calls of a connection that publishes nothing are answered, and keep it; unknown ones fail', async () => {
  const { extension, calls } = notingExtension()
  await using fixture = await rtmpFixture({ extension, config: { idleTimeoutMs: 5_000 } })
  using client = await RtmpClient.open(fixture.port)
  const answer = await client.call('answer', null, 'x', { a: 1 })
  assert.equal(answer.name, '_result')
  assert.deepEqual(amfFields(answer.args[1])['path'], '')
  assert.deepEqual(calls[0]?.args.slice(0, 2), [null, 'x'])
  const unknown = await client.call('nobodyKnows', null)
  assert.equal(unknown.name, '_error')
  const refused = amfFields((await client.call('refuse', null)).args[1])
  assert.deepEqual([refused['code'], refused['description']], ['NetConnection.Call.Failed', 'not now'])
  const broken = amfFields((await client.call('break', null)).args[1])
  assert.match(String(broken['description']), /test\/broken/)
  assert.doesNotMatch(String(broken['description']), /secret/)
  fixture.advance(20_000)
  await sleep(1_300) // timeouts are looked at once a second
  assert.equal((await client.call('answer', null)).name, '_result')
})

test('a connection may wait for its first call as long as the extension says', async () => {
  const extension: RtmpExtension = { ...notingExtension().extension, callerPatienceMs: 60_000 }
  await using fixture = await rtmpFixture({ extension, config: { idleTimeoutMs: 5_000 } })
  using client = await RtmpClient.open(fixture.port)
  fixture.advance(50_000)
  await sleep(1_300) // timeouts are looked at once a second
  assert.equal(client.socket.destroyed, false)
  fixture.advance(20_000)
  await client.closed
})

test('a call in AMF3 with an object, and one that wants no answer', async () => {
  const { extension, calls } = notingExtension()
  await using fixture = await rtmpFixture({ extension })
  using client = await RtmpClient.open(fixture.port)
  const amf3 = Buffer.from('0a0b01096e616d6506077061740d617070656e640301', 'hex') // {name: 'pat', append: true}
  const head = encodeAmf0('answer', 7, null)
  client.send(MessageType.commandAmf3, Buffer.concat([Uint8Array.of(0), head, Uint8Array.of(0x11), amf3]))
  const answer = decodeCommand(await client.next(MessageType.command))
  assert.deepEqual([answer.name, answer.transactionId], ['_result', 7])
  assert.deepEqual({ ...amfFields(calls[0]?.args[1]) }, { name: 'pat', append: true })
  client.tell('refuse', null)
  client.tell('nobodyKnows', null)
  assert.equal((await client.call('answer', null)).name, '_result')
})

test('calls without end are bounded, and others go on', async () => {
  const { extension, ending } = notingExtension()
  await using fixture = await rtmpFixture({ extension })
  using client = await RtmpClient.open(fixture.port)
  for (let i = 0; i < 40; i++) client.tell('hang', null)
  assert.equal((await client.call('hang', null)).name, '_error')
  ending.resolve()
  assert.equal((await client.call('hang', null)).name, '_result')
  assert.equal(await client.status('publish', 'cam', 'live'), 'NetStream.Publish.Start')
})
