import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'
import { writeAnswer } from '#protocols/webrtc/answer.ts'
import { parseOffer } from '#protocols/webrtc/description.ts'
import { AAC, H264 } from '#test/support/rtp-media.ts'
import { negotiatePlaying } from './play-negotiation.ts'

const TRANSPORT = [
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
  'a=setup:actpass',
  'a=rtcp-mux',
]
const PICTURE = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103',
  ...TRANSPORT,
  'a=mid:pic',
  'a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=recvonly',
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 transport-cc',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:102 H264/90000',
  'a=rtcp-fb:102 nack',
  'a=rtcp-fb:102 nack pli',
  'a=rtcp-fb:102 goog-remb',
  'a=fmtp:102 packetization-mode=1;profile-level-id=42e01f',
  'a=rtpmap:103 rtx/90000',
  'a=fmtp:103 apt=102',
]
const SOUND = ['m=audio 9 UDP/TLS/RTP/SAVPF 111', ...TRANSPORT, 'a=mid:1', 'a=recvonly', 'a=rtpmap:111 opus/48000/2']

function offer(...media: readonly (readonly string[])[]) {
  const mids = media.map((lines) => lines.find((line) => line.startsWith('a=mid:'))?.slice(6))
  const session = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${mids.join(' ')}`]
  return parseOffer([...session, ...media.flat(), ''].join('\r\n'))
}

function streamOf(...formats: readonly TrackFormat[]) {
  const runtime = { nowMs: () => 0, monotonicMs: () => 0, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1_000 })
  const publisher = { protocol: 'test', remoteAddress: '', connectionId: '', encoder: '', disconnect() {} }
  const { stream } = hub.publish('live/cam', { ...publisher, ...NO_CONNECTION_FACTS })
  for (const format of formats) stream.setFormat(format)
  return stream
}

/** Lines of each m-line of the answer. */
function answered(...[offered, stream]: Parameters<typeof negotiatePlaying>) {
  const { answered: media } = negotiatePlaying(offered, stream)
  const transport = { ufrag: 'u', pwd: 'p', fingerprint: 'sha-256 AB', setup: 'active', candidates: [] }
  const sdp = writeAnswer({ sessionId: '1', transport, media, allowsMixedExtensions: false })
  return sdp
    .split(/\r\n(?=m=)/)
    .slice(1)
    .map((section) => section.split('\r\n'))
}

test('each m-line is answered with the codec of its track, our source, and its retransmissions', () => {
  const stream = streamOf(H264, AAC)
  const [picture = [], sound = []] = answered(offer(PICTURE, SOUND), stream)
  assert.equal(picture[0], 'm=video 9 UDP/TLS/RTP/SAVPF 102 103')
  assert.ok(picture.includes('a=sendonly'))
  assert.deepEqual(
    picture.filter((line) => line.startsWith('a=rtcp-fb')),
    ['a=rtcp-fb:102 nack', 'a=rtcp-fb:102 nack pli'],
  )
  assert.ok(picture.includes('a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid'))
  const [, ssrc, rtx] = /^a=ssrc-group:FID (\d+) (\d+)$/m.exec(picture.join('\n')) ?? []
  const sources = picture.filter((line) => line.startsWith('a=ssrc:')).map((line) => line.split(/[: ]/)[1])
  // Browsers take the first for the source of the media.
  assert.deepEqual([...new Set(sources)], [ssrc, rtx])
  assert.equal(sound[0], 'm=audio 9 UDP/TLS/RTP/SAVPF 111')
  assert.ok(sound.some((line) => line.startsWith('a=fmtp:111') && line.includes('sprop-stereo=1')))
  const cname = (lines: readonly string[]) => / cname:(.*)$/m.exec(lines.join('\n'))?.[1]
  assert.equal(cname(picture), cname(sound), 'played in sync')
})

test('packets say which m-line they belong to (RFC 8285 §4.2)', () => {
  const { media } = negotiatePlaying(offer(PICTURE), streamOf(H264))
  assert.deepEqual(media[0]?.extension, Uint8Array.of(0xbe, 0xde, 0, 1, 0x92, 0x70, 0x69, 0x63))
})

test('an m-line that nothing fills yet is open for every codec', () => {
  const [picture = []] = answered(offer(PICTURE, SOUND), streamOf(AAC))
  assert.equal(picture[0], 'm=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103')
})

test('what is not wanted is refused in its place; an offer that wants nothing is none', () => {
  const sending = SOUND.map((line) => (line === 'a=recvonly' ? 'a=sendonly' : line))
  const [sound = [], picture = []] = answered(offer(sending, PICTURE), streamOf(H264, AAC))
  assert.match(sound[0] ?? '', /^m=audio 0 /)
  assert.match(picture[0] ?? '', /^m=video 9 /)
  assert.throws(() => negotiatePlaying(offer(sending), streamOf(AAC)), { code: 'webrtc/bad-offer' })
})

test('a second picture goes to the second m-line of its kind', () => {
  const second = PICTURE.map((line) => (line === 'a=mid:pic' ? 'a=mid:two' : line))
  const { media } = negotiatePlaying(offer(PICTURE, second), streamOf(H264, { ...H264, trackId: 3 }))
  assert.deepEqual(
    media.map(({ format }) => format?.trackId),
    [1, 3],
  )
})
