import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WEBRTC_AUDIO_CODECS, WEBRTC_VIDEO_CODECS } from '#base/webrtc-codecs.ts'
import { HeaderExtensions } from '#protocols/rtp/header-extensions.ts'
import { RtpPacket, writeRtpPacket } from '#protocols/rtp/packet.ts'
import { parseOffer } from '#protocols/webrtc/description.ts'
import { negotiateReceiving } from '#protocols/webrtc/negotiation.ts'
import { MediumRouter } from './medium-router.ts'

const MID = 4
const RID = 10

/** Two cameras of one codec and a microphone; only the first camera names its sources. */
const OFFER = [
  ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1 2'],
  ...['a=ice-ufrag:abcd', `a=ice-pwd:${'p'.repeat(22)}`],
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => '0A').join(':')}`,
  ...['m=video 9 UDP/TLS/RTP/SAVPF 96 97', 'a=mid:0', 'a=sendonly', 'a=rtpmap:96 VP8/90000', 'a=rtpmap:97 rtx/90000'],
  ...['a=fmtp:97 apt=96', 'a=ssrc-group:FID 11 12', 'a=ssrc:11 cname:x', 'a=ssrc:12 cname:x'],
  ...[`a=extmap:${MID} urn:ietf:params:rtp-hdrext:sdes:mid`],
  ...[`a=extmap:${RID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id`],
  ...['m=video 9 UDP/TLS/RTP/SAVPF 96 97', 'a=mid:1', 'a=sendonly', 'a=rtpmap:96 VP8/90000', 'a=rtpmap:97 rtx/90000'],
  ...['a=fmtp:97 apt=96', `a=extmap:${MID} urn:ietf:params:rtp-hdrext:sdes:mid`],
  ...['m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:2', 'a=sendonly', 'a=rtpmap:111 opus/48000/2'],
].join('\r\n')

function router(): (payloadType: number, ssrc: number, names?: { mid?: string; rid?: string }) => string {
  const preference = { video: WEBRTC_VIDEO_CODECS, audio: WEBRTC_AUDIO_CODECS }
  const { media } = negotiateReceiving(parseOffer(OFFER), preference, 1_000_000)
  const extensions = new HeaderExtensions({ mid: MID, rid: RID })
  const routes = new MediumRouter(media)
  const packet = new RtpPacket()
  return (payloadType, ssrc, { mid, rid } = {}) => {
    const header = { payloadType, marker: false, sequenceNumber: 1, timestamp: 1, ssrc }
    assert.ok(
      packet.parse(withExtension(writeRtpPacket(header, new Uint8Array(4)), element(MID, mid), element(RID, rid))),
    )
    extensions.read(packet)
    const route = routes.routeOf(packet, extensions)
    return route === undefined ? 'unknown' : `${route.medium}${route.isRetransmission ? ' again' : ''}`
  }
}

/** RFC 8285 §4.2. */
function element(id: number, text = ''): number[] {
  return text === '' ? [] : [(id << 4) | (text.length - 1), ...Buffer.from(text)]
}

function withExtension(packet: Uint8Array, ...elements: readonly number[][]): Uint8Array {
  const content = elements.flat()
  while (content.length % 4 !== 0) content.push(0)
  if (content.length === 0) return packet
  const bytes = Uint8Array.from([
    ...packet.subarray(0, 12),
    0xbe,
    0xde,
    0,
    content.length / 4,
    ...content,
    ...packet.subarray(12),
  ])
  bytes[0] = (bytes[0] ?? 0) | 0x10
  return bytes
}

test('a source belongs where the description, its MID or its payload type says, and stays there', () => {
  const routeOf = router()
  assert.equal(routeOf(96, 11), '0')
  assert.equal(routeOf(97, 12), '0 again')
  assert.equal(routeOf(96, 21), 'unknown', 'both cameras have this payload type')
  assert.equal(routeOf(96, 21, { mid: '1' }), '1')
  assert.equal(routeOf(96, 21), '1', 'senders leave the MID out after a while')
  assert.equal(routeOf(97, 22, { mid: '1' }), '1 again')
  assert.equal(routeOf(111, 31), '2')
  assert.equal(routeOf(96, 41, { mid: 'nowhere' }), 'unknown')
})

test('of layers that nobody asked for, one is the medium', () => {
  const routeOf = router()
  assert.equal(routeOf(96, 51, { mid: '0', rid: 'h' }), '0')
  assert.equal(routeOf(96, 52, { mid: '0', rid: 'l' }), 'unknown')
  assert.equal(routeOf(96, 53, { mid: '0', rid: 'h' }), '0', 'the same layer from another source')
})

test('sources that come and go take no more than their room', () => {
  const routeOf = router()
  for (let ssrc = 1000; ssrc < 11_000; ssrc++) assert.equal(routeOf(111, ssrc), '2')
  assert.equal(routeOf(96, 21, { mid: '1' }), '1')
})
