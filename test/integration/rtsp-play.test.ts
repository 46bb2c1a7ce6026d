import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { makeAudioFormat } from '#media/format.ts'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import type { TrackFormat } from '#media/track.ts'
import { isRtcp, RtpPacket } from '#protocols/rtp/packet.ts'
import { h264Payload } from '#protocols/rtp/payloads/h264.ts'
import { parseRtcp } from '#protocols/rtp/rtcp.ts'
import { parseDescription } from '#protocols/rtsp/description.ts'
import { parseTransport } from '#protocols/rtsp/transport.ts'
import { AAC, H264, OTHER_H264, picture } from '#test/support/rtp-media.ts'
import { RtspClient } from '#test/support/rtsp-client.ts'
import { type RtspFixture, rtspFixture } from '#test/support/rtsp-fixture.ts'

const TCP = (channel: number) => [['Transport', `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1}`]] as const

/** A publisher right at the hub. */
function published(fixture: RtspFixture, ...formats: readonly TrackFormat[]) {
  const facts = { protocol: 'test', remoteAddress: '', connectionId: '', encoder: '', ...NO_CONNECTION_FACTS }
  const { stream, end } = fixture.hub.publish('live/cam1', { ...facts, disconnect() {} })
  for (const format of formats) stream.setFormat(format)
  const arena = stream.payloads.arena()
  return {
    stream,
    end: () => {
      arena[Symbol.dispose]()
      end({ cause: 'unpublished', message: '' })
    },
    write(format: TrackFormat, payload: Uint8Array, atMs: number, isRandomAccess = false) {
      const reservation = arena.reserve(payload.length)
      reservation.bytes.set(payload)
      const ticks = (atMs * format.timescale) / 1000
      stream.write(stream.accessUnits.make(format, { dts: ticks, pts: ticks, isRandomAccess }, reservation))
    },
  }
}

/** Access units of H.264 that packets make. */
function unitsOf(packets: readonly Uint8Array[]): string[] {
  const units: string[] = []
  let open = Buffer.alloc(0)
  const depacketizer = h264Payload.depacketizer({
    parameters: new Map(),
    clockRateHz: 90_000,
    channels: 1,
    configured() {},
    sink: {
      get length() {
        return open.length
      },
      append(bytes, start, end) {
        open = Buffer.concat([open, bytes.subarray(start, end)])
      },
      reserve(bytes) {
        open = Buffer.concat([open, Buffer.alloc(bytes)])
        return open.length - bytes
      },
      setUint32: (offset, value) => void open.writeUInt32BE(value, offset),
      setUint8: (offset, value) => void open.writeUInt8(value, offset),
      finish() {
        units.push(open.toString('hex'))
        open = Buffer.alloc(0)
      },
      abandon() {
        open = Buffer.alloc(0)
      },
    },
  })
  for (const bytes of packets) {
    const packet = new RtpPacket()
    assert.ok(packet.parse(bytes))
    depacketizer.push(packet, 0)
  }
  depacketizer.flush()
  return units
}

const hexOf = (pictures: readonly Uint8Array[]) => pictures.map((each) => Buffer.from(each).toString('hex'))

async function playing(fixture: RtspFixture) {
  const client = await RtspClient.open(fixture.port)
  const url = fixture.url('live/cam1')
  await client.expect(200, 'DESCRIBE', url)
  await client.expect(200, 'SETUP', `${url}/trackID=1`, TCP(0))
  await client.expect(200, 'PLAY', url)
  return client
}

test('a player gets what is remembered since the last random access point, then what comes, bit by bit', async () => {
  await using fixture = await rtspFixture()
  const source = published(fixture, H264, AAC)
  const pictures = [picture('key', 5000, 2), picture('inter', 90, 3), picture('inter', 40_000, 4)]
  source.write(H264, picture('key', 50, 1), 0, true)
  source.write(H264, pictures[0] ?? new Uint8Array(), 1000, true)
  source.write(AAC, Uint8Array.of(1, 2, 3), 1010, true)
  await using client = await RtspClient.open(fixture.port)
  const url = fixture.url('live/cam1')
  const described = await client.expect(200, 'DESCRIBE', `${url}?x=1`, [['Accept', 'application/sdp']])
  assert.equal(described.headers.get('Content-Base'), `${url}/`)
  const { media } = parseDescription(Buffer.from(described.body).toString())
  assert.deepEqual(
    media.map(({ kind, payloadTypes, control, rtpMaps }) => [
      kind,
      control,
      rtpMaps.get(payloadTypes[0] ?? 0)?.encoding,
    ]),
    [
      ['video', 'trackID=1', 'H264'],
      ['audio', 'trackID=2', 'MPEG4-GENERIC'],
    ],
  )
  await client.expect(200, 'SETUP', `${url}/trackID=1`, TCP(0))
  await client.expect(200, 'SETUP', `${url}/trackID=2`, TCP(2))
  const { headers } = await client.expect(200, 'PLAY', `${url}/`, [['Range', 'npt=0.000-']])
  assert.match(headers.get('RTP-Info') ?? '', /url=.*\/trackID=1;seq=\d+,url=.*\/trackID=2;seq=\d+/)
  source.write(H264, pictures[1] ?? new Uint8Array(), 1040)
  source.write(H264, pictures[2] ?? new Uint8Array(), 1080)
  await client.until(() => unitsOf(client.of(0)).length === 3)
  assert.ok(isDeepStrictEqual(unitsOf(client.of(0)), hexOf(pictures)))
  assert.ok(
    client.of(0).every(({ length }) => length <= 1412),
    'no packet is larger than networks take',
  )
  source.end()
  await client.closed()
  // A report before any media, by which players put the tracks beside each other; a goodbye at the end.
  assert.deepEqual(
    [
      client.frames[0]?.channel,
      client.frames.findIndex(({ channel }) => channel === 3) < client.frames.findIndex(({ channel }) => channel === 2),
    ],
    [1, true],
  )
  const [picturesReport, soundReport] = [client.of(1), client.of(3)].map(
    ([first]) => parseRtcp(first ?? Buffer.alloc(0))[0],
  )
  assert.ok(picturesReport?.kind === 'senderReport' && soundReport?.kind === 'senderReport')
  assert.ok(Math.abs(soundReport.wallClockMs - picturesReport.wallClockMs - 10) < 0.01)
  assert.deepEqual(parseRtcp(client.of(1).at(-1) ?? Buffer.alloc(0)).at(-1)?.kind, 'bye')
  assert.equal(fixture.hub.payloads.inUseBytes, 0)
})

test('over UDP: to the ports of the player, and reports of his keep the session', async () => {
  await using fixture = await rtspFixture({ config: { sessionTimeoutMs: 30_000 } })
  const source = published(fixture, H264)
  await using client = await RtspClient.open(fixture.port)
  const sockets = [createSocket('udp4'), createSocket('udp4')] as const
  using _closing = {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.close()
    },
  }
  const packets: Buffer[] = []
  for (const socket of sockets) {
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.on('message', (bytes) => packets.push(bytes))
  }
  const ports = sockets.map((socket) => socket.address().port).join('-')
  const url = fixture.url('live/cam1')
  // Another destination than the one who asks would be an attack on it.
  const transport = `RTP/AVP;unicast;destination=192.0.2.1;client_port=${ports}`
  const setup = await client.expect(200, 'SETUP', `${url}/trackID=1`, [['Transport', transport]])
  const [, rtcp = 0] = parseTransport(setup.headers.get('Transport') ?? '')[0]?.serverPorts ?? []
  await client.expect(200, 'PLAY', url)
  const sent = [picture('key', 200_000, 1), picture('inter', 90, 2)]
  for (const [index, each] of sent.entries()) source.write(H264, each, index * 40, index === 0)
  const media = () => packets.filter((bytes) => !isRtcp(bytes))
  while (media().length < 144) await sleep(5)
  assert.ok(isDeepStrictEqual(unitsOf(media()), hexOf(sent)))
  assert.ok(isRtcp(packets[0] ?? Buffer.alloc(0)))
  fixture.advance(25_000)
  sockets[1].send(Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 1), rtcp, '127.0.0.1')
  await sleep(100)
  fixture.advance(20_000)
  await sleep(1_200)
  assert.equal(client.isClosed, false)
  fixture.advance(20_000)
  await client.closed()
  assert.equal(fixture.server.counters.errorsTotal.get('rtsp/idle-timeout'), 1)
  source.end()
})

test('paused, nothing is sent; playing goes on at the next random access point', async () => {
  await using fixture = await rtspFixture()
  const source = published(fixture, H264)
  source.write(H264, picture('key', 50, 1), 0, true)
  await using client = await playing(fixture)
  const url = fixture.url('live/cam1')
  await client.until(() => client.of(0).length === 1)
  await client.expect(200, 'PAUSE', url)
  source.write(H264, picture('inter', 50, 2), 40)
  await client.expect(200, 'OPTIONS', url)
  await client.expect(200, 'PLAY', url)
  source.write(H264, picture('inter', 50, 3), 80)
  source.write(H264, picture('key', 50, 4), 120, true)
  await client.until(() => client.of(0).length === 2)
  assert.deepEqual(unitsOf(client.of(0)), hexOf([picture('key', 50, 1), picture('key', 50, 4)]))
  source.end()
})

test('parameter sets that change go along with the media; sound that changes needs a new description', async () => {
  await using fixture = await rtspFixture()
  const source = published(fixture, H264, AAC)
  source.write(H264, picture('key', 50, 1), 0, true)
  await using client = await playing(fixture)
  await client.expect(455, 'SETUP', `${fixture.url('live/cam1')}/trackID=2`, TCP(2))
  source.stream.setFormat(OTHER_H264)
  source.write(OTHER_H264, picture('key', 50, 2), 40, true)
  await client.until(() => unitsOf(client.of(0)).length === 2)
  const types = [7, 8, 5].map((type) => type)
  const last = Buffer.from(unitsOf(client.of(0))[1] ?? '', 'hex')
  const seen: number[] = []
  for (let at = 0; at < last.length; at += 4 + last.readUInt32BE(at)) seen.push((last[at + 4] ?? 0) & 31)
  assert.deepEqual(seen, types)
  await using listener = await RtspClient.open(fixture.port)
  await listener.expect(200, 'SETUP', `${fixture.url('live/cam1')}/trackID=2`, TCP(0))
  await listener.expect(200, 'PLAY', fixture.url('live/cam1'))
  const mono = makeAudioFormat({
    trackId: 2,
    timescale: 48_000,
    codec: 'aac',
    configuration: Uint8Array.of(0x11, 0x88),
  })
  source.stream.setFormat(mono)
  await listener.closed()
  assert.equal(client.isClosed, false)
  source.end()
})

test('access units with short lengths, as some publishers have them, are sent like others', async () => {
  await using fixture = await rtspFixture()
  const configuration = Uint8Array.from(H264.configuration)
  configuration[4] = 0xfd // lengths of two bytes
  const format = { ...H264, configuration }
  const source = published(fixture, format)
  source.write(format, Uint8Array.of(0, 2, 0x65, 0x81, 0, 3, 0x65, 0x02, 0x03), 0, true)
  await using client = await playing(fixture)
  await client.until(() => client.of(0).length === 2)
  assert.deepEqual(
    unitsOf(client.of(0)),
    hexOf([joinLengthPrefixed([Uint8Array.of(0x65, 0x81), Uint8Array.of(0x65, 2, 3)])]),
  )
  source.end()
})

test('a player that does not read loses whole GOPs, nobody waits for it, and it goes on where it can', async () => {
  await using fixture = await rtspFixture()
  const source = published(fixture, H264)
  source.write(H264, picture('key', 50, 1), 0, true)
  await using client = await playing(fixture)
  client.socket.pause()
  let atMs = 40
  for (let gop = 0; gop < 30; gop++) {
    for (let i = 0; i < 10; i++, atMs += 40)
      source.write(H264, picture(i === 0 ? 'key' : 'inter', 100_000, i), atMs, i === 0)
    await sleep(5)
  }
  client.socket.resume()
  await sleep(300)
  source.write(H264, picture('key', 60, 99), atMs, true)
  const lagging = await fixture.event('rtsp.player-lagging')
  const units = await client.until(() => {
    const received = unitsOf(client.of(0))
    return received.at(-1) === hexOf([picture('key', 60, 99)])[0] ? received : undefined
  })
  assert.equal(units.length + Number(lagging['accessUnits']), 302)
  source.end()
})

test('a stream that has no track for RTP is told apart from one that is not there', async () => {
  await using fixture = await rtspFixture()
  const source = published(fixture, { ...AAC, codec: 'flac' })
  await using client = await RtspClient.open(fixture.port)
  const { reason } = await client.expect(415, 'DESCRIBE', fixture.url('live/cam1'))
  assert.match(reason, /audio flac/)
  source.end()
})
