import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseRtcp, writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { parseTransport } from '#protocols/rtsp/transport.ts'
import { picture, TestCamera, videoDescription } from '#test/support/rtp-media.ts'
import { RtspClient } from '#test/support/rtsp-client.ts'
import { type RtspFixture, rtspFixture } from '#test/support/rtsp-fixture.ts'
import type { Tape } from '#test/support/taped-hub.ts'

const SDP = [['Content-Type', 'application/sdp']] as const
const TCP = (channel: number) =>
  [['Transport', `RTP/AVP/TCP;unicast;interleaved=${channel}-${channel + 1};mode=record`]] as const

const PICTURES = [picture('key', 900, 1), picture('inter', 90, 2), picture('inter', 4000, 3), picture('key', 50, 4)]

/** Payloads of a tape so far. */
const payloads = ({ units }: Tape) => units.map(({ payload }) => Buffer.from(payload).toString('hex'))
const hexOf = (pictures: readonly Uint8Array[]) => pictures.map((each) => Buffer.from(each).toString('hex'))

async function announced(fixture: RtspFixture, description = videoDescription(), path = 'live/cam1') {
  const client = await RtspClient.open(fixture.port)
  await client.expect(200, 'ANNOUNCE', fixture.url(path), SDP, description)
  return client
}

/** A publisher over TCP that records. */
async function publishing(fixture: RtspFixture, path = 'live/cam1') {
  const client = await announced(fixture, videoDescription(), path)
  await client.expect(200, 'SETUP', `${fixture.url(path)}/streamid=0`, TCP(0))
  await client.expect(200, 'RECORD', fixture.url(path))
  return client
}

test('over TCP: every access unit arrives as it was sent, at the time it was sent for', async () => {
  await using fixture = await rtspFixture()
  await using client = await RtspClient.open(fixture.port)
  const url = fixture.url('live/cam1')
  const { headers } = await client.expect(200, 'OPTIONS', url)
  assert.match(headers.get('Public') ?? '', /ANNOUNCE.*RECORD/)
  await client.expect(200, 'ANNOUNCE', `${url}?key=k`, [...SDP, ['User-Agent', 'a test/1.0']], videoDescription())
  const setup = await client.expect(200, 'SETUP', `${url}?key=k/streamid=0`, TCP(0))
  assert.deepEqual(parseTransport(setup.headers.get('Transport') ?? '')[0]?.interleaved, [0, 1])
  assert.match(setup.headers.get('Session') ?? '', /^[0-9A-F]{16};timeout=10$/)
  await client.expect(200, 'RECORD', url)
  const tape = await fixture.tape(0)
  const { protocol, encoder, query, remotePort } = tape.stream.publisher
  assert.deepEqual([tape.stream.path, protocol, encoder, query['key']], ['live/cam1', 'rtsp', 'a test/1.0', 'k'])
  assert.equal(remotePort, client.socket.localPort)
  const camera = new TestCamera()
  for (const [index, each] of PICTURES.entries()) {
    for (const packet of camera.packets(each, index * 40)) client.frame(0, packet)
  }
  client.frame(1, writeBye(camera.ssrc))
  await client.expect(200, 'GET_PARAMETER', url)
  assert.deepEqual(payloads(tape), hexOf(PICTURES))
  assert.deepEqual(
    tape.units.map(({ dts, isRandomAccess }) => [dts - (tape.units[0]?.dts ?? 0), isRandomAccess]),
    [
      [0, true],
      [3600, false],
      [7200, false],
      [10_800, true],
    ],
  )
  await client.expect(200, 'TEARDOWN', url)
  assert.equal((await tape.ended).cause, 'unpublished')
  await client.expect(454, 'RECORD', url)
})

test('over TLS', async () => {
  await using fixture = await rtspFixture()
  await using client = await RtspClient.open(fixture.tlsPort, { tls: true })
  const url = `rtsps://127.0.0.1:${fixture.tlsPort}/live/cam1`
  await client.expect(200, 'ANNOUNCE', url, SDP, videoDescription())
  await client.expect(200, 'SETUP', `${url}/streamid=0`, TCP(0))
  await client.expect(200, 'RECORD', url)
  const tape = await fixture.tape(0)
  for (const packet of new TestCamera().packets(PICTURES[0] ?? new Uint8Array(), 0)) client.frame(0, packet)
  await client.expect(200, 'TEARDOWN', url)
  assert.deepEqual([tape.stream.publisher.protocol, tape.units.length], ['rtsps', 1])
})

/** Two sockets of a publisher. */
async function udpPair() {
  const sockets = [createSocket('udp4'), createSocket('udp4')] as const
  for (const socket of sockets) {
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
  }
  const ports = sockets.map((socket) => socket.address().port)
  return {
    rtp: sockets[0],
    rtcp: sockets[1],
    ports,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.close()
    },
  }
}

test('over UDP: packets are put in order, those of others are ignored, and how they arrive is reported', async () => {
  await using fixture = await rtspFixture({ config: { idleTimeoutMs: 60_000 } })
  await using client = await announced(fixture)
  using own = await udpPair()
  const url = fixture.url('live/cam1')
  const transport = `RTP/AVP;unicast;client_port=${own.ports.join('-')};mode=record`
  const { headers } = await client.expect(200, 'SETUP', `${url}/streamid=0`, [['Transport', transport]])
  const [rtp = 0, rtcp = 0] = parseTransport(headers.get('Transport') ?? '')[0]?.serverPorts ?? []
  assert.deepEqual([rtp % 2, rtcp], [0, rtp + 1])
  await client.expect(200, 'RECORD', url)
  const tape = await fixture.tape(0)
  const camera = new TestCamera()
  const send = (packet: Uint8Array, port = rtp) => own.rtp.send(packet, port, '127.0.0.1')
  const facts = { ssrc: camera.ssrc, wallClockMs: 1_700_000_000_000, rtpTimestamp: 0, packets: 0, payloadBytes: 0 }
  send(writeSenderReport(facts, 'camera'), rtcp)
  for (const packet of camera.packets(picture('key', 900, 1), 0)) send(packet)
  const [first, ...rest] = camera.packets(picture('inter', 900, 2), 40)
  for (const packet of rest.toReversed()) send(packet)
  if (first !== undefined) send(first)
  const stranger = createSocket('udp4')
  stranger.bind(0, '127.0.0.2')
  await once(stranger, 'listening')
  stranger.send(Uint8Array.of(0x80, 96, 0, 0), rtp, '127.0.0.1')
  const ignored = await fixture.event('rtsp.datagram-ignored')
  assert.equal(ignored['remoteAddress'], '127.0.0.2')
  stranger.close()
  while (tape.units.length < 2) await sleep(5)
  assert.deepEqual(payloads(tape), hexOf([picture('key', 900, 1), picture('inter', 900, 2)]))
  const reported = once(own.rtcp, 'message', { signal: AbortSignal.timeout(60_000) })
  fixture.advance(6_000)
  const [report] = (await reported) as [Buffer]
  const [receiver] = parseRtcp(report)
  assert.ok(receiver?.kind === 'receiverReport')
  const { ssrc, cumulativeLost } = receiver.reports[0] ?? {}
  assert.deepEqual([ssrc, cumulativeLost], [camera.ssrc, 0])
})

test('what can be recorded is, beside media that can not; where nothing can, the announcement is refused', async () => {
  await using fixture = await rtspFixture()
  const metadata = ['m=application 0 RTP/AVP 107', 'a=rtpmap:107 VND.ONVIF.METADATA/90000', 'a=control:streamid=1']
  await using client = await announced(fixture, videoDescription(...metadata))
  const url = fixture.url('live/cam1')
  await client.expect(200, 'SETUP', `${url}/streamid=0`, TCP(0))
  await client.expect(200, 'SETUP', `${url}/streamid=1`, TCP(2))
  await client.expect(200, 'RECORD', url)
  const camera = new TestCamera()
  for (const packet of camera.packets(PICTURES[0] ?? new Uint8Array(), 0)) {
    client.frame(2, packet)
    client.frame(0, packet)
  }
  await client.expect(200, 'TEARDOWN', url)
  const tape = await fixture.tape(0)
  assert.deepEqual([tape.units.length, [...tape.stream.formats.keys()]], [1, [1]])
  assert.deepEqual(fixture.events.find(({ event }) => event === 'rtsp.media-ignored')?.['media'], [
    'application VND.ONVIF.METADATA',
  ])
  await using other = await RtspClient.open(fixture.port)
  const { reason } = await other.expect(415, 'ANNOUNCE', url, SDP, metadata.join('\n'))
  assert.match(reason, /VND.ONVIF.METADATA/)
})

test('a source that counts anew goes on; packets that are none are ignored', async () => {
  await using fixture = await rtspFixture()
  await using client = await publishing(fixture)
  const tape = await fixture.tape(0)
  for (const packet of new TestCamera(1, 100).packets(picture('key', 300, 1), 0)) client.frame(0, packet)
  for (const bad of [
    '',
    '80',
    '00'.repeat(40),
    `80e0${'ff'.repeat(10)}`,
    `ffff${'ff'.repeat(60)}`,
    `807f${'00'.repeat(20)}`,
  ]) {
    client.frame(0, Buffer.from(bad, 'hex'))
    client.frame(1, Buffer.from(bad, 'hex'))
  }
  client.frame(77, Uint8Array.of(1, 2, 3))
  // Another SSRC, other numbers: its first packet alone could be a stray one.
  const restarted = new TestCamera(2, 30_000)
  for (const packet of restarted.packets(picture('key', 300, 2), 5_000_000)) client.frame(0, packet)
  for (const packet of restarted.packets(picture('key', 300, 3), 5_000_040)) client.frame(0, packet)
  await client.expect(200, 'TEARDOWN', fixture.url('live/cam1'))
  const [first, ...others] = payloads(tape)
  assert.deepEqual([first, others.at(-1)], hexOf([picture('key', 300, 1), picture('key', 300, 3)]))
  const times = tape.units.map(({ dts }) => dts)
  assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) < 90_000, 'no jump of the source reaches the stream')
  assert.equal(fixture.events.filter(({ event }) => event === 'rtsp.frame-ignored').length, 1)
})

test('what TCP leaves out was left out by the publisher, and is told as lost', async () => {
  await using fixture = await rtspFixture()
  await using client = await publishing(fixture)
  const tape = await fixture.tape(0)
  const losses: number[] = []
  tape.stream.attach(
    { format() {}, accessUnit() {}, ended() {}, lost: ({ packets }) => losses.push(packets) },
    { from: 'now', live: false },
  )
  const camera = new TestCamera()
  for (const packet of camera.packets(PICTURES[0] ?? new Uint8Array(), 0)) client.frame(0, packet)
  camera.packets(picture('inter', 250, 2), 40)
  for (const packet of camera.packets(PICTURES[3] ?? new Uint8Array(), 80)) client.frame(0, packet)
  await client.expect(200, 'TEARDOWN', fixture.url('live/cam1'))
  assert.deepEqual([payloads(tape), losses], [hexOf([PICTURES[0], PICTURES[3]].flatMap((each) => each ?? [])), [3]])
})

test('paused, what comes is ignored and the stream stays', async () => {
  await using fixture = await rtspFixture()
  await using client = await publishing(fixture)
  const url = fixture.url('live/cam1')
  const camera = new TestCamera()
  const send = async (fill: number) => {
    for (const packet of camera.packets(picture('key', 50, fill), fill * 40)) client.frame(0, packet)
  }
  await send(1)
  await client.expect(200, 'PAUSE', url)
  await send(2)
  await client.expect(200, 'RECORD', url)
  await send(3)
  await client.expect(200, 'TEARDOWN', url)
  assert.deepEqual(payloads(await fixture.tape(0)), hexOf([picture('key', 50, 1), picture('key', 50, 3)]))
  assert.equal(fixture.tapes.length, 1)
})

test('a publisher that falls silent is disconnected; what it sends or asks keeps it', async () => {
  await using fixture = await rtspFixture()
  await using client = await publishing(fixture)
  const tape = await fixture.tape(0)
  fixture.advance(8_000)
  await client.expect(200, 'OPTIONS', fixture.url('live/cam1'))
  fixture.advance(8_000)
  await sleep(1_200)
  assert.equal(client.isClosed, false)
  fixture.advance(3_000)
  await client.closed()
  assert.equal((await tape.ended).cause, 'lost')
  assert.equal(fixture.server.counters.errorsTotal.get('rtsp/idle-timeout'), 1)
})

test('a connection that breaks ends its stream as lost, the end of the server as shutdown', async () => {
  await using fixture = await rtspFixture()
  const first = await publishing(fixture, 'live/a')
  first.socket.destroy()
  assert.equal((await (await fixture.tape(0)).ended).cause, 'lost')
  await using _second = await publishing(fixture, 'live/b')
  const [ended] = await Promise.all([(await fixture.tape(1)).ended, fixture.server.close()])
  assert.equal(ended.cause, 'shutdown')
  assert.equal(fixture.hub.payloads.inUseBytes, 0)
})

test('one publisher a path: the second is refused and the first undisturbed', async () => {
  await using fixture = await rtspFixture()
  await using first = await publishing(fixture)
  await using second = await RtspClient.open(fixture.port)
  const { reason } = await second.expect(409, 'ANNOUNCE', fixture.url('live/cam1'), SDP, videoDescription())
  assert.match(reason, /published already/)
  await first.expect(200, 'TEARDOWN', fixture.url('live/cam1'))
  await second.expect(200, 'ANNOUNCE', fixture.url('live/cam1'), SDP, videoDescription())
})
