import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TapedeckError } from '#base/error.ts'
import type { AccessRequest } from '#hub/access.ts'
import { amfFields } from '#media/flv/amf-value.ts'
import { encodeAmf0 } from '#media/flv/amf0.ts'
import {
  decodeCommand,
  decodeU32,
  decodeUserControl,
  encodeU32,
  encodeUserControl,
  MessageType,
} from '#protocols/rtmp/message.ts'
import { hex } from '#test/support/bytes.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { type RtmpFixture, rtmpFixture } from '#test/support/rtmp-fixture.ts'
import { AAC_CONFIGURATION, AVC_CONFIGURATION } from '#test/support/rtmp-media.ts'
import type { Tape } from '#test/support/taped-hub.ts'

const avcStart = Buffer.concat([hex('1700000000'), AVC_CONFIGURATION])
const aacStart = Buffer.concat([hex('af00'), AAC_CONFIGURATION])
const keyPicture = hex('1701000000 00000002 6588')
const picture = hex('2701000000 00000002 4188')

async function publisher(fixture: RtmpFixture, name = 'cam1'): Promise<RtmpClient> {
  const client = await RtmpClient.open(fixture.port)
  assert.equal(await client.status('publish', name, 'live'), 'NetStream.Publish.Start')
  return client
}

/** Waits until the tape holds this many access units. */
async function units(tape: Tape, count: number): Promise<void> {
  for (const deadlineMs = performance.now() + 60_000; tape.units.length < count; await sleep(10)) {
    assert.ok(performance.now() < deadlineMs, `${tape.units.length} of ${count} access units arrived`)
  }
}

test('the preamble of FMLE and an unknown command are answered, the publication goes on', async () => {
  await using fixture = await rtmpFixture()
  using client = await RtmpClient.open(fixture.port)
  assert.equal((await client.call('releaseStream', null, 'cam1')).name, '_result')
  assert.equal((await client.call('FCPublish', null, 'cam1')).name, '_result')
  const refusal = await client.call('DVRGetStreamInfo', null, 'cam1')
  assert.equal(refusal.name, '_error')
  assert.equal(amfFields(refusal.args[1])['code'], 'NetConnection.Call.Failed')
  assert.equal(await client.status('publish', 'cam1', 'record'), 'NetStream.Publish.Start')
})

test('connect over AMF3 with enhanced RTMP fields: the answer offers what is recorded', async () => {
  await using fixture = await rtmpFixture()
  using client = new RtmpClient(fixture.port)
  await client.shakeHands()
  const connectFields = { app: 'live', tcUrl: 'rtmp://h/live', objectEncoding: 3, fourCcList: ['*'], capsEx: 15 }
  client.send(MessageType.commandAmf3, Buffer.concat([Uint8Array.of(0), encodeAmf0('connect', 1, connectFields)]), {
    messageStreamId: 0,
  })
  const answer = decodeCommand(await client.next(MessageType.command))
  const information = amfFields(answer.args[1])
  assert.equal(information['code'], 'NetConnection.Connect.Success')
  assert.equal(information['objectEncoding'], 3)
  assert.equal(information['capsEx'], 14)
  assert.equal(amfFields(information['videoFourCcInfoMap'])['hvc1'], 4)
  assert.equal(amfFields(information['audioFourCcInfoMap'])['Opus'], 4)
})

const ENDINGS = [
  { name: 'deleteStream', cause: 'unpublished', end: (client: RtmpClient) => client.status('deleteStream', 1) },
  { name: 'closeStream', cause: 'unpublished', end: (client: RtmpClient) => client.status('closeStream') },
  { name: 'FCUnpublish', cause: 'unpublished', end: (client: RtmpClient) => client.call('FCUnpublish', null, 'cam1') },
  { name: 'publish(false)', cause: 'unpublished', end: (client: RtmpClient) => client.status('publish', false) },
  { name: 'a broken connection', cause: 'lost', end: async (client: RtmpClient) => client.socket.resetAndDestroy() },
  { name: 'a bare FIN', cause: 'lost', end: async (client: RtmpClient) => client.socket.end() },
] as const
for (const { name, cause, end } of ENDINGS) {
  test(`a publication ended by ${name}: ${cause}`, async () => {
    await using fixture = await rtmpFixture()
    using client = await publisher(fixture)
    const tape = await fixture.tape(0)
    await end(client)
    assert.equal((await tape.ended).cause, cause)
  })
}

test('an operator disconnects a publisher; the server’s end ends the others', async () => {
  await using fixture = await rtmpFixture()
  using first = await publisher(fixture, 'cam1')
  using second = await publisher(fixture, 'cam2')
  const [one, two] = [await fixture.tape(0), await fixture.tape(1)]
  one.stream.publisher.disconnect('by the test')
  assert.deepEqual(await one.ended, { cause: 'disconnected', message: 'by the test' })
  await first.closed
  await fixture.server.close()
  assert.equal((await two.ended).cause, 'shutdown')
  await second.closed
})

test('a stream name in use or impossible is BadName; the same connection may try another', async () => {
  await using fixture = await rtmpFixture()
  using first = await publisher(fixture)
  using second = await RtmpClient.open(fixture.port)
  for (const name of ['cam1', '../x', '', 'a/../../b']) {
    assert.equal(await second.status('publish', name), 'NetStream.Publish.BadName', name)
  }
  assert.equal(await second.status('publish', 'cam2'), 'NetStream.Publish.Start')
  assert.equal(first.socket.destroyed, false)
  assert.deepEqual(
    [...fixture.hub.streams()].map((stream) => stream.path),
    ['live/cam1', 'live/cam2'],
  )
})

test('access is asked with path, address and query before a publisher is let in', async () => {
  class RefusedError extends TapedeckError {
    readonly code = 'auth/stream-access-denied'
    readonly origin = 'client'
  }
  const requests: AccessRequest[] = []
  const access = {
    async authorize(request: AccessRequest) {
      await sleep(20)
      requests.push(request)
      if (request.query['key'] !== 'right') throw new RefusedError('not with this key')
    },
  }
  await using fixture = await rtmpFixture({ access })
  using client = await RtmpClient.open(fixture.port, 'live?key=wrong')
  assert.equal(await client.status('publish', 'cam1'), 'NetStream.Publish.Rejected')
  assert.equal(await client.status('play', 'cam1'), 'NetStream.Play.Failed')
  assert.equal(await client.status('publish', 'cam1?key=right'), 'NetStream.Publish.Start')
  assert.deepEqual(
    requests.map(({ action, path, protocol, remoteAddress }) => [action, path, protocol, remoteAddress]),
    [
      ['publish', 'live/cam1', 'rtmp', '127.0.0.1'],
      ['play', 'live/cam1', 'rtmp', '127.0.0.1'],
      ['publish', 'live/cam1', 'rtmp', '127.0.0.1'],
    ],
  )
})

test('why the server itself can let nobody in is for its log, not for strangers', async () => {
  class EndpointError extends TapedeckError {
    readonly code = 'auth/access-endpoint-failed'
    readonly origin = 'operator'
  }
  const access = {
    authorize: () => Promise.reject(new EndpointError('http://10.0.0.7/check answered 500')),
  }
  await using fixture = await rtmpFixture({ access })
  using client = await RtmpClient.open(fixture.port, 'live')
  assert.equal(await client.status('publish', 'cam1'), 'NetStream.Publish.Rejected')
  const told = JSON.stringify(client.lastStatus)
  assert.match(told, /auth\/access-endpoint-failed/)
  assert.doesNotMatch(told, /10\.0\.0\.7/)
})

test('media sent right behind publish, without waiting for the answer, is not lost', async () => {
  const access = { authorize: () => sleep(100) }
  await using fixture = await rtmpFixture({ access })
  using client = await RtmpClient.open(fixture.port)
  const answered = client.status('publish', 'cam1')
  client.send(MessageType.video, avcStart)
  for (let i = 0; i < 20; i++) client.send(MessageType.video, i === 0 ? keyPicture : picture, { timestampMs: i * 40 })
  assert.equal(await answered, 'NetStream.Publish.Start')
  const tape = await fixture.tape(0)
  await units(tape, 20)
})

test('onMetaData describes the stream; a repeated configuration is no change, another one is', async () => {
  await using fixture = await rtmpFixture()
  using client = await publisher(fixture)
  const tape = await fixture.tape(0)
  const fields = { width: 320, videodatarate: 500, nan: Number.NaN, at: new Date(0), 'x y': ['a'] }
  client.send(MessageType.data, encodeAmf0('@setDataFrame', 'onMetaData', fields))
  for (const timestampMs of [0, 40]) {
    client.send(MessageType.video, avcStart, { timestampMs })
    client.send(MessageType.video, keyPicture, { timestampMs })
  }
  const other = Buffer.from(avcStart)
  other[8] = 0x0e // level
  client.send(MessageType.video, other)
  client.send(MessageType.video, keyPicture, { timestampMs: 80 })
  await units(tape, 3)
  const metadata = { width: 320, videodatarate: 500, nan: null, at: '1970-01-01T00:00:00.000Z', 'x y': ['a'] }
  assert.deepEqual(tape.stream.metadata, metadata)
  assert.deepEqual(
    tape.formats.map(({ trackId, announcedBitrateBps }) => [trackId, announcedBitrateBps]),
    [
      [1, 500_000],
      [1, 500_000],
    ],
  )
  assert.deepEqual(
    tape.units.map((unit) => tape.formats.indexOf(unit.format)),
    [0, 0, 1],
  )
})

test('time goes on over the 32-bit wrap, in extended timestamps, for both tracks', async () => {
  await using fixture = await rtmpFixture()
  using client = await publisher(fixture)
  const tape = await fixture.tape(0)
  client.send(MessageType.video, avcStart)
  client.send(MessageType.audio, aacStart)
  const startMs = 2 ** 32 - 60
  for (let i = 0; i < 4; i++) {
    client.send(MessageType.video, keyPicture, { timestampMs: (startMs + i * 40) % 2 ** 32 })
    client.send(MessageType.audio, hex('af01 2110'), { timestampMs: (startMs + Math.round(i * 21.33)) % 2 ** 32 })
  }
  await units(tape, 8)
  const times = (kind: string) =>
    tape.units
      .filter((unit) => unit.format.kind === kind)
      .map((unit) => Math.round((unit.dts / unit.format.timescale) * 1000) - startMs)
  assert.deepEqual(times('video'), [0, 40, 80, 120])
  assert.deepEqual(times('audio'), [0, 21, 43, 64])
})

test('rare forms: aggregate, ModEx nanoseconds, multitrack video, VP8 without a configuration', async () => {
  await using fixture = await rtmpFixture()
  using client = await publisher(fixture)
  const tape = await fixture.tape(0)
  client.send(
    MessageType.aggregate,
    hex(`09 00000a 0003e8 00 000000 ${Buffer.from(keyPicture).toString('hex')} 00000015`),
  )
  client.send(MessageType.video, avcStart)
  const sub = (bytes: Uint8Array, at: number) =>
    Buffer.concat([
      hex('09'),
      encodeU32(bytes.length).subarray(1),
      encodeU32(at).subarray(1),
      hex('00000000'),
      bytes,
      hex('00000000'),
    ])
  client.send(MessageType.aggregate, Buffer.concat([sub(keyPicture, 1000), sub(picture, 1040)]), { timestampMs: 5000 })
  const avc1 = '61766331'
  client.send(MessageType.video, hex(`a7 02 07a120 03 ${avc1} 00000002 4188`), { timestampMs: 5080 })
  client.send(MessageType.video, Buffer.concat([hex(`96 00 ${avc1} 02`), AVC_CONFIGURATION]))
  client.send(MessageType.video, hex(`96 01 ${avc1} 02 000028 00000002 6588`), { timestampMs: 5080 })
  // Frame tag of a key frame, start code, 320x180.
  const vp8Key = hex('f0 00 00 9d012a 4001 b400 0000')
  client.send(MessageType.video, Buffer.concat([hex('96 01 76703038 03'), vp8Key]), { timestampMs: 5120 })
  await units(tape, 5)
  assert.deepEqual(
    tape.units.map(({ format, dts, pts }) => [format.trackId, format.codec, dts / 90, pts / 90]),
    [
      [1, 'h264', 5000, 5000],
      [1, 'h264', 5040, 5040],
      [1, 'h264', 5080.5, 5080.5],
      [5, 'h264', 5080, 5120],
      [7, 'vp8', 5120, 5120],
    ],
  )
  const vp8 = tape.formats.find((format) => format.codec === 'vp8')
  assert.deepEqual(vp8?.kind === 'video' && [vp8.widthPixels, vp8.heightPixels], [320, 180])
})

test('acknowledgements come each window, pings are answered', async () => {
  await using fixture = await rtmpFixture()
  using client = await publisher(fixture)
  client.send(MessageType.windowAcknowledgementSize, encodeU32(100_000), { messageStreamId: 0 })
  client.send(MessageType.video, avcStart)
  client.send(MessageType.video, Buffer.concat([keyPicture, new Uint8Array(150_000)]))
  assert.ok(decodeU32(await client.next(MessageType.acknowledgement)) > 100_000)
  client.send(MessageType.userControl, encodeUserControl(6, 4711), { messageStreamId: 0 })
  for (;;) {
    const { event, values } = decodeUserControl(await client.next(MessageType.userControl))
    if (event !== 7) continue
    assert.deepEqual(values, [4711])
    return
  }
})

test('a track that can’t be recorded is left out and shown; a publisher with no other is dropped', async () => {
  await using fixture = await rtmpFixture()
  using mixed = await publisher(fixture, 'mixed')
  const mixedTape = await fixture.tape(0)
  mixed.send(MessageType.audio, hex('b2 00'))
  mixed.send(MessageType.video, avcStart)
  mixed.send(MessageType.video, keyPicture)
  await units(mixedTape, 1)
  using speex = await publisher(fixture, 'speex')
  const speexTape = await fixture.tape(1)
  speex.send(MessageType.audio, hex('b2 00'))
  while (
    !fixture.events.some(
      ({ event, stream }) =>
        event === 'rtmp.media-ignored' && stream === undefined && speexTape.stream.metadata['ignoredTracks'],
    )
  ) {
    await sleep(10)
  }
  fixture.advance(5_000)
  assert.equal((await speexTape.ended).cause, 'lost')
  await speex.closed
  assert.equal(fixture.server.counters.errorsTotal.get('rtmp/no-supported-track'), 1)
  assert.equal(mixedTape.stream.end, undefined)
  assert.match(JSON.stringify(mixedTape.stream.metadata['ignoredTracks']), /Speex/)
})

test('silence is dropped: of a publisher, of a connection without a purpose, and before connect', async () => {
  await using fixture = await rtmpFixture()
  using silent = new RtmpClient(fixture.port)
  using purposeless = await RtmpClient.open(fixture.port)
  using client = await publisher(fixture)
  const tape = await fixture.tape(0)
  fixture.advance(11_000)
  assert.equal((await tape.ended).cause, 'lost')
  await Promise.all([silent.closed, purposeless.closed, client.closed])
  assert.deepEqual([...fixture.server.counters.errorsTotal.keys()].sort(), [
    'rtmp/idle-timeout',
    'rtmp/nothing-published-or-played',
    'rtmp/setup-incomplete',
  ])
})

const BREACHES = [
  {
    name: 'HTTP instead of a handshake',
    code: 'rtmp/handshake-invalid',
    say: (c: RtmpClient) => c.socket.write('GET / HTTP/1.1\r\n\r\n'),
  },
  {
    name: 'publish before connect',
    code: 'rtmp/command-refused',
    shake: true,
    say: (c: RtmpClient) => c.send(MessageType.command, encodeAmf0('publish', 0, null, 'x')),
  },
  {
    name: '64 KiB before connect',
    code: 'rtmp/setup-incomplete',
    shake: true,
    say: (c: RtmpClient) => c.send(MessageType.data, new Uint8Array(70_000)),
  },
  {
    name: 'chunk size 2^31',
    code: 'rtmp/chunk-size-exceeded',
    shake: true,
    say: (c: RtmpClient) => c.send(MessageType.setChunkSize, encodeU32(2 ** 31)),
  },
  {
    name: '20,000 nested AMF objects',
    code: 'flv/amf-malformed',
    shake: true,
    say: (c: RtmpClient) => c.send(MessageType.command, hex(`020001 61 ${'03000161'.repeat(12_000)}`)),
  },
  {
    name: 'a type 3 chunk from nowhere',
    code: 'rtmp/chunk-malformed',
    shake: true,
    say: (c: RtmpClient) => c.socket.write(hex('ff')),
  },
  {
    name: '65 chunk streams',
    code: 'rtmp/chunk-streams-exceeded',
    shake: true,
    say: (c: RtmpClient) => {
      for (let id = 64; id < 140; id++)
        c.socket.write(Buffer.concat([Uint8Array.of(0, id), hex('000000 000000 08 00000000')]))
    },
  },
]
test('each breach of a limit ends its own connection with its own error, and nothing else', async () => {
  await using fixture = await rtmpFixture()
  using healthy = await publisher(fixture)
  const tape = await fixture.tape(0)
  healthy.send(MessageType.video, avcStart)
  for (const { name, code, shake = false, say } of BREACHES) {
    using client = new RtmpClient(fixture.port)
    if (shake) await client.shakeHands()
    say(client)
    await client.closed
    assert.equal(
      fixture.server.counters.errorsTotal.get(code),
      1,
      `${name}: ${[...fixture.server.counters.errorsTotal]}`,
    )
  }
  healthy.send(MessageType.video, keyPicture)
  await units(tape, 1)
  assert.equal(fixture.server.counters.connections, 1)
})

test('connections beyond the limit are closed at once', async () => {
  await using fixture = await rtmpFixture({ config: { maxConnections: 1 } })
  using _first = await publisher(fixture)
  const refused = connect(fixture.port, '127.0.0.1').on('error', () => {})
  await once(refused, 'close')
  assert.equal(fixture.server.counters.errorsTotal.get('rtmp/too-many-connections'), 1)
})

test('a port in use is an error that names the key to change', async () => {
  await using fixture = await rtmpFixture()
  const listen = { host: '127.0.0.1', port: fixture.port }
  await assert.rejects(rtmpFixture({ config: { listen } }), { code: 'rtmp/listen-failed', message: /rtmp\.listen/ })
})
