/** The scripted peer that other tests trust, judged over a bare transport. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadWebRtcLibrary, Transport } from '#ingest/webrtc/transport.ts'
import { isRtcp, RtpPacket } from '#protocols/rtp/packet.ts'
import { parseRtcp } from '#protocols/rtp/rtcp.ts'
import type { SourceUnit } from '#test/support/elementary-source.ts'
import { freePort } from '#test/support/free-port.ts'
import { AAC, H264, picture } from '#test/support/rtp-media.ts'
import { WebRtcPublisher, type WebRtcPublisherOptions } from '#test/support/webrtc-publisher.ts'

const UNITS: readonly SourceUnit[] = Array.from({ length: 50 }, (_, index) => ({
  format: H264,
  dts: index * 900,
  pts: index * 900,
  isRandomAccess: index === 0,
  payload: picture(index === 0 ? 'key' : 'inter', 3000, index),
}))

interface Connected extends Disposable {
  readonly peer: WebRtcPublisher
  readonly transport: Transport
  /** RTP, in the order it came. */
  readonly packets: Uint8Array[]
  readonly rtcp: Uint8Array[]
}

async function connected(options: WebRtcPublisherOptions): Promise<Connected> {
  using owned = new DisposableStack()
  const peer = await WebRtcPublisher.offer({ media: ['h264'], ...options })
  owned.defer(() => peer.close())
  const value = (name: string) => new RegExp(`^a=${name}:(.*)\r$`, 'm').exec(peer.sdp)?.[1] ?? ''
  const transport = await Transport.accept(await loadWebRtcLibrary(), {
    remote: {
      ufrag: value('ice-ufrag'),
      pwd: value('ice-pwd'),
      fingerprint: value('fingerprint'),
      setup: 'actpass',
    },
    listen: { host: '127.0.0.1', port: await freePort() },
    advertise: [],
  })
  owned.use(transport)
  const packets: Uint8Array[] = []
  const rtcp: Uint8Array[] = []
  transport.onPacket = (bytes) => (isRtcp(bytes) ? rtcp : packets).push(bytes)
  const { ufrag, pwd, fingerprint, setup, candidates } = transport.local
  peer.accept(
    [
      ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0'],
      ...['m=video 9 UDP/TLS/RTP/SAVPF 102 103', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux'],
      ...['a=rtpmap:102 H264/90000', 'a=rtcp-fb:102 nack', 'a=rtpmap:103 rtx/90000', 'a=fmtp:103 apt=102'],
      'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
      ...[`a=setup:${setup}`, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, `a=fingerprint:${fingerprint}`],
      ...candidates.map((candidate) => `a=candidate:${candidate}`),
      '',
    ].join('\r\n'),
  )
  await peer.connected()
  const kept = owned.move()
  return { peer, transport, packets, rtcp, [Symbol.dispose]: () => kept.dispose() }
}

/** Sequence numbers of a payload type's packets, in the order they came. */
function sequenceNumbers(packets: readonly Uint8Array[], payloadType: number): number[] {
  const packet = new RtpPacket()
  return packets.flatMap((bytes) => {
    assert.ok(packet.parse(bytes))
    return packet.payloadType === payloadType ? [packet.sequenceNumber] : []
  })
}

test('everything arrives in order over DTLS and SRTP, with reports', async () => {
  using connection = await connected({ reportEveryMs: 100 })
  const { peer, packets, rtcp } = connection
  await peer.play(UNITS)
  await sleep(200)
  const numbers = sequenceNumbers(packets, 102)
  assert.equal(numbers.length, peer.sent.packets)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => (65_500 + index) & 0xffff),
  )
  const transportNumbers = packets.map((bytes) => ((bytes[17] ?? 0) << 8) | (bytes[18] ?? 0))
  assert.deepEqual(
    transportNumbers,
    transportNumbers.map((_, index) => (65_000 + index) & 0xffff),
  )
  const reports = rtcp.flatMap((bytes) => parseRtcp(bytes).filter(({ kind }) => kind === 'senderReport'))
  assert.ok(reports.length >= 3, `${reports.length} reports`)
})

test('what is lost on purpose is known, and comes again when asked for', async () => {
  using connection = await connected({ impairments: { seed: 5, loss: 0.1, reordered: 0.05 } })
  const { peer, transport, packets } = connection
  await peer.play(UNITS)
  await sleep(200)
  const [source] = peer.sources
  assert.ok(source !== undefined)
  const missing = peer.missing(source)
  const numbers = sequenceNumbers(packets, 102)
  assert.ok(missing.length > 5, `${missing.length} lost`)
  assert.equal(peer.sent.lost, missing.length)
  assert.equal(new Set(numbers).size + missing.length, peer.sent.packets)
  // SRTP takes no packet twice (RFC 3711 §3.3.2), so that duplicates made before it don't come through.
  assert.equal(numbers.length, new Set(numbers).size)
  assert.ok(
    numbers.some((number, index) => ((number - (numbers[index - 1] ?? number)) & 0xffff) > 0x8000),
    'all came in order',
  )
  for (const number of missing) transport.send(nack(source.ssrc, number))
  await sleep(200)
  assert.equal(peer.heard.nacked, missing.length)
  const repeated = packets.flatMap((bytes) => (bytes[1] === undefined || (bytes[1] & 0x7f) !== 103 ? [] : [bytes]))
  // Original sequence numbers stand before the payload (RFC 4588 §4).
  const originals = repeated.map((bytes) => ((bytes[20] ?? 0) << 8) | (bytes[21] ?? 0))
  const lostAgain = peer.missing(source)
  assert.deepEqual(
    [...new Set([...originals, ...lostAgain])].sort((a, b) => a - b),
    [...missing].sort((a, b) => a - b),
  )
})

test('a wrong fingerprint fails the connection', async () => {
  await assert.rejects(
    connected({ fingerprint: `sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}` }),
    /closed|failed/,
  )
})

test('sound is refused where pictures were agreed on', async () => {
  using connection = await connected({})
  const { peer } = connection
  const source = peer.sources[0]
  const unit = { format: AAC, dts: 0, pts: 0, isRandomAccess: true, payload: new Uint8Array(10) }
  assert.throws(() => source?.packetize(unit, 0), /the units are aac/)
})

function nack(ssrc: number, sequenceNumber: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(0x81cd0003, 0)
  bytes.writeUInt32BE(1, 4)
  bytes.writeUInt32BE(ssrc, 8)
  bytes.writeUInt16BE(sequenceNumber, 12)
  return bytes
}
