/** How WebRTC sessions begin, fail and end, and what they may cost, whatever peers do. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { put32 } from '#protocols/rtp/packet.ts'
import type { SourceUnit } from '#test/support/elementary-source.ts'
import { H264, picture } from '#test/support/rtp-media.ts'
import { type Publishing, type WebRtcFixture, webRtcFixture } from '#test/support/webrtc-fixture.ts'
import { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'

const END = { cause: 'unpublished', message: 'enough' } as const

function pictures(count: number): readonly SourceUnit[] {
  return Array.from({ length: count }, (_, index) => ({
    format: H264,
    dts: index * 3600,
    pts: index * 3600,
    isRandomAccess: index % 25 === 0,
    payload: picture(index % 25 === 0 ? 'key' : 'inter', 2500, index),
  }))
}

const ended = (fixture: WebRtcFixture, { session }: Pick<Publishing, 'session'>) =>
  fixture.until(() => session.state === 'ended', 'the session ends')

test('a browser that never comes is given up', async () => {
  await using fixture = await webRtcFixture({ iceTimeoutMs: 5_000 })
  using peer = disposable(await WebRtcPublisher.offer())
  const session = await fixture.offer('live/cam1', peer.value.sdp)
  fixture.advance(4_000)
  await sleep(100)
  assert.equal(session.state, 'connecting')
  fixture.advance(1_500)
  await ended(fixture, { session })
  assert.equal(session.ended?.reason, 'ice-timeout')
  assert.equal(fixture.tapes.length, 0)
})

test('a publisher from whom nothing comes any more is lost', async () => {
  await using fixture = await webRtcFixture({ idleTimeoutMs: 5_000 })
  using publishing = await fixture.publishing('live/cam1')
  await publishing.peer.play(pictures(5))
  const [tape] = fixture.tapes
  await fixture.until(() => tape?.units.length === 5, 'the pictures')
  fixture.advance(6_000)
  await ended(fixture, publishing)
  assert.equal(publishing.session.ended?.reason, 'idle')
  assert.equal(tape?.stream.end?.cause, 'lost')
})

test('another certificate than was offered fails the session, and nothing else', async () => {
  await using fixture = await webRtcFixture()
  const fingerprint = `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`
  using impostor = await fixture.connecting('live/cam1', { fingerprint })
  await ended(fixture, impostor)
  assert.equal(impostor.session.ended?.reason, 'dtls-failed')
  assert.equal(fixture.tapes.length, 0)
  using publishing = await fixture.publishing('live/cam1')
  assert.equal(publishing.session.state, 'connected')
})

test('the operator disconnects; the server shuts down', async () => {
  const fixture = await webRtcFixture()
  using one = await fixture.publishing('live/one')
  using two = await fixture.publishing('live/two')
  fixture.hub.get('live/one')?.publisher.disconnect('out you go')
  assert.deepEqual(one.session.ended?.end, { cause: 'disconnected', message: 'out you go' })
  await fixture[Symbol.asyncDispose]()
  assert.equal(two.session.ended?.reason, 'shutdown')
  assert.deepEqual(
    fixture.tapes.map(({ stream }) => stream.end?.cause),
    ['disconnected', 'shutdown'],
  )
})

test('candidates are welcome, a restart is refused, and nonsense is told so', async () => {
  await using fixture = await webRtcFixture()
  using publishing = await fixture.connecting('live/cam1')
  const { session, peer } = publishing
  const ufrag = /a=ice-ufrag:(\S+)/.exec(peer.sdp)?.[1]
  const fragment = `a=ice-ufrag:${ufrag}\r\na=ice-pwd:${'p'.repeat(24)}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n`
  assert.equal(await session.trickle(fragment), undefined)
  await assert.rejects(session.trickle(fragment.replace(`${ufrag}`, 'anew')), { code: 'webrtc/restart-unsupported' })
  await assert.rejects(session.trickle('hello'), { code: 'webrtc/bad-offer' })
  await peer.connected()
})

interface BadOffer {
  readonly name: string
  readonly change: (sdp: string) => string
  readonly code: string
}

const BAD_OFFERS: readonly BadOffer[] = [
  { name: 'nothing', change: () => '', code: 'webrtc/bad-offer' },
  { name: 'no m-lines', change: (sdp) => sdp.slice(0, sdp.indexOf('m=')), code: 'webrtc/bad-offer' },
  { name: 'no fingerprint', change: (sdp) => sdp.replace(/a=fingerprint:.*\r\n/g, ''), code: 'webrtc/bad-offer' },
  { name: 'a short fingerprint', change: (sdp) => sdp.replace(/(sha-256 ..).*/g, '$1'), code: 'webrtc/bad-offer' },
  { name: 'a weak fingerprint', change: (sdp) => sdp.replaceAll('sha-256', 'sha-1'), code: 'webrtc/bad-offer' },
  { name: 'no password', change: (sdp) => sdp.replace(/a=ice-pwd:.*\r\n/g, ''), code: 'webrtc/bad-offer' },
  { name: 'lines in a name', change: (sdp) => sdp.replace(/(a=ice-ufrag:).*/g, '$1a b c d'), code: 'webrtc/bad-offer' },
  { name: 'ICE lite', change: (sdp) => sdp.replace('t=0 0', 't=0 0\r\na=ice-lite'), code: 'webrtc/bad-offer' },
  { name: 'two media of one name', change: (sdp) => sdp.replace('a=mid:1', 'a=mid:0'), code: 'webrtc/bad-offer' },
  { name: 'a hundred media', change: (sdp) => sdp + sdp.slice(sdp.indexOf('m=')).repeat(50), code: 'webrtc/bad-offer' },
  { name: 'a megabyte', change: (sdp) => sdp + 'a=x:y\r\n'.repeat(200_000), code: 'webrtc/bad-offer' },
  {
    name: 'unknown codecs',
    change: (sdp) => sdp.replace(/rtpmap:(\d+) \w+/g, 'rtpmap:$1 X'),
    code: 'webrtc/no-common-codec',
  },
  { name: 'nothing to send', change: (sdp) => sdp.replaceAll('sendonly', 'recvonly'), code: 'webrtc/no-common-codec' },
]

test('offers that make no sense are refused, each with its reason, and leave nothing behind', async () => {
  await using fixture = await webRtcFixture()
  using peer = disposable(await WebRtcPublisher.offer())
  for (const { name, change, code } of BAD_OFFERS) {
    await assert.rejects(fixture.offer('live/cam1', change(peer.value.sdp)), { code }, name)
  }
  await assert.rejects(fixture.offer('live/../cam1', peer.value.sdp), { code: 'stream/path-invalid' })
  assert.deepEqual([...fixture.server.sessions], [])
})

test('a thousand offers that nobody follows are bounded, and a publisher does not notice', async () => {
  await using fixture = await webRtcFixture({ maxConnecting: 40, maxConnectingPerAddress: 30, maxSessions: 50 })
  using publishing = await fixture.publishing('live/healthy')
  using flood = disposable(await WebRtcPublisher.offer())
  const playing = publishing.peer.play(pictures(75))
  const refusals = new Map<string, number>()
  const offer = async (index: number) => {
    try {
      await fixture.offer(`live/flood${index}`, flood.value.sdp, { remoteAddress: `192.0.2.${index % 2}` })
    } catch (error) {
      const key = /webrtc\.\w+/.exec(String(error))?.[0] ?? String(error)
      refusals.set(key, (refusals.get(key) ?? 0) + 1)
    }
  }
  for (let index = 0; index < 1000; index += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, more) => offer(index + more)))
  }
  assert.equal([...fixture.server.sessions].length, 41)
  assert.deepEqual([...refusals.keys()], ['webrtc.maxConnecting'])
  await playing
  const [tape] = fixture.tapes
  await fixture.until(() => tape?.units.length === 75, 'all pictures of the healthy one')
  assert.equal(tape?.stream.lostPackets, 0)
  fixture.advance(11_000)
  await publishing.peer.play(pictures(1))
  await fixture.until(() => [...fixture.server.sessions].length <= 1, 'the others are given up')
})

test('one address does not take all the places', async () => {
  await using fixture = await webRtcFixture({ maxConnecting: 40, maxConnectingPerAddress: 3, maxSessions: 5 })
  using flood = disposable(await WebRtcPublisher.offer())
  const offer = (index: number, remoteAddress: string) =>
    fixture.offer(`live/${index}`, flood.value.sdp, { remoteAddress })
  for (let index = 0; index < 3; index++) await offer(index, '192.0.2.1')
  await assert.rejects(offer(3, '192.0.2.1'), { code: 'webrtc/too-many-sessions', message: /192\.0\.2\.1/ })
  const sessions = [await offer(3, '192.0.2.2'), await offer(4, '192.0.2.2')]
  await assert.rejects(offer(5, '192.0.2.3'), { code: 'webrtc/too-many-sessions', message: /maxSessions/ })
  sessions[0]?.close(END)
  await offer(5, '192.0.2.3')
})

test('datagrams of strangers and packets that are none disturb nobody', async () => {
  await using fixture = await webRtcFixture()
  using publishing = await fixture.publishing('live/healthy')
  const { peer } = publishing
  await using socket = createSocket('udp4')
  const { port } = fixture.server.address
  const playing = peer.play(pictures(50))
  for (let round = 0; round < 100; round++) {
    for (let each = 0; each < 20; each++) {
      socket.send(each % 2 === 0 ? bindingRequest() : randomBytes(1 + ((round * 20 + each) % 1400)), port, '127.0.0.1')
    }
    // Within the encryption too: lengths that lie, packets larger than any path carries.
    for (const bytes of nonsense(round)) sendIfPossible(peer, bytes)
    await sleep(5)
  }
  await playing
  const [tape] = fixture.tapes
  await fixture.until(() => tape?.units.length === 50, 'all pictures')
  assert.equal(tape?.stream.lostPackets, 0)
  assert.equal(publishing.session.state, 'flowing')
  assert.equal([...fixture.server.sessions].length, 1)
})

/** The library of the sender's refuses the worst itself. */
function sendIfPossible(peer: WebRtcPublisher, bytes: Uint8Array): void {
  try {
    peer.raw(bytes)
  } catch (error) {
    assert.match(String(error), /SRTC?P protect error|larger|size/i)
  }
}

/** As of a browser that was told of a session that is not here (RFC 8489 §5). */
function bindingRequest(): Uint8Array {
  const username = Buffer.from(`${randomBytes(3).toString('hex')}:${randomBytes(3).toString('hex')}xx`)
  const padded = Buffer.concat([username, Buffer.alloc((4 - (username.length % 4)) % 4)])
  const head = Buffer.alloc(24)
  head.writeUInt16BE(1, 0)
  head.writeUInt16BE(4 + padded.length, 2)
  put32(head, 4, 0x2112a442)
  randomBytes(12).copy(head, 8)
  head.writeUInt16BE(6, 20)
  head.writeUInt16BE(username.length, 22)
  return Buffer.concat([head, padded])
}

function nonsense(round: number): Uint8Array[] {
  const rtp = Buffer.alloc(60, round)
  rtp[0] = 0x80 | (round % 64)
  rtp[1] = 96 + (round % 30)
  const large = Buffer.alloc(1 + ((round * 7919) % 60_000), round)
  large[0] = 0x90
  large[1] = 102
  const rtcp = randomBytes(4 + (round % 200))
  rtcp[0] = 0x80 | (round % 32)
  rtcp[1] = 192 + (round % 32)
  return [rtp, large, rtcp]
}

function disposable(peer: WebRtcPublisher): Disposable & { readonly value: WebRtcPublisher } {
  return { value: peer, [Symbol.dispose]: () => peer.close() }
}
