import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type CodecPreference,
  type VideoCodecName,
  WEBRTC_AUDIO_CODECS,
  WEBRTC_VIDEO_CODECS,
} from '#base/webrtc-codecs.ts'
import { EXTENSION_URIS } from '../rtp/header-extensions.ts'
import { writeAnswer } from './answer.ts'
import { parseOffer, parseSession } from './description.ts'
import { negotiateReceiving } from './negotiation.ts'

const VECTORS = join(import.meta.dirname, '../../../test/vectors/webrtc')
const vector = (name: string) => readFileSync(join(VECTORS, `${name}.sdp`), 'utf8')
const CHROMIUM = vector('chromium-156')
const SIMULCAST = vector('chromium-156-simulcast')
const GSTREAMER = vector('gstreamer-like')
const FIREFOX = vector('firefox-153')

const ALL: CodecPreference = { video: WEBRTC_VIDEO_CODECS, audio: WEBRTC_AUDIO_CODECS }
const { mid: MID, transportSequence: TRANSPORT_WIDE } = EXTENSION_URIS
const TRANSPORT = {
  ufrag: 'abcd',
  pwd: 'p'.repeat(22),
  fingerprint: `sha-256 ${Array.from({ length: 32 }, () => '0A').join(':')}`,
  setup: 'active',
  candidates: ['1 1 UDP 2114977791 127.0.0.1 8189 typ host'],
}

function negotiate(sdp: string, preference = ALL) {
  const offer = parseOffer(sdp)
  const negotiation = negotiateReceiving(offer, preference, 2_500_000)
  const { answered: media } = negotiation
  const { allowsMixedExtensions } = offer
  return { ...negotiation, answer: writeAnswer({ sessionId: '1', transport: TRANSPORT, media, allowsMixedExtensions }) }
}

/** What Chromium 156 offers of each: its payload type, that of its retransmissions, and what we ask for. */
const CHOSEN: readonly (readonly [VideoCodecName, payloadType: number, retransmissions: number, asks: string])[] = [
  ['vp8', 96, 97, ''],
  ['vp9', 98, 99, 'profile-id=0'],
  ['h264', 102, 103, 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=420034'],
  ['av1', 45, 46, 'level-idx=5;profile=0;tier=0'],
]

for (const [codec, payloadType, retransmissions, asks] of CHOSEN) {
  test(`Chromium's offer, ${codec} wanted`, () => {
    const { media, answer, hasTransportFeedback } = negotiate(CHROMIUM, { ...ALL, video: [codec] })
    const video = media.find(({ offered }) => offered.kind === 'video')
    assert.ok(video !== undefined)
    assert.deepEqual(
      [video.payloadFormat.codec, video.format.payloadType, video.retransmissionType, video.hasNack],
      [codec, payloadType, retransmissions, true],
    )
    assert.ok(hasTransportFeedback)
    const lines = answer.split('\r\n')
    assert.ok(lines.includes(`m=video 9 UDP/TLS/RTP/SAVPF ${payloadType} ${retransmissions}`), answer)
    assert.ok(
      lines.includes(`a=rtcp-fb:${payloadType} nack pli`) && lines.includes(`a=rtcp-fb:${payloadType} transport-cc`),
    )
    assert.ok(!answer.includes('goog-remb'), 'one estimate of the bandwidth is enough')
    assert.equal(lines.find((line) => line.startsWith(`a=fmtp:${payloadType} `))?.split(' ')[1] ?? '', asks)
    assert.ok(lines.includes('b=AS:2500') && lines.includes('b=TIAS:2500000'))
  })
}

test("Chromium's offer names its sources, and which repeats which", () => {
  const { media } = parseOffer(CHROMIUM)
  const video = media.find(({ kind }) => kind === 'video')
  const [ssrc] = video?.ssrcs ?? []
  assert.equal(video?.ssrcs.length, 1)
  assert.deepEqual([...(video?.retransmissions.values() ?? [])], [ssrc])
})

test('the answer has each m-line in its place, all bundled, with the candidates in the first', () => {
  const { answer } = negotiate(CHROMIUM)
  const { media, groups } = parseSession(answer)
  const offered = parseSession(CHROMIUM).media
  assert.deepEqual(
    media.map(({ type, mid, direction }) => [type, mid, direction]),
    offered.map(({ type, mid }) => [type, mid, 'recvonly']),
  )
  assert.deepEqual(groups, [{ type: 'BUNDLE', mids: offered.map(({ mid }) => mid).join(' ') }])
  assert.equal(answer.match(/a=candidate:/g)?.length, 1)
  assert.ok(answer.indexOf('a=end-of-candidates') > answer.indexOf('a=candidate:'))
  assert.ok(answer.indexOf('a=end-of-candidates') < answer.lastIndexOf('m='))
})

test('simulcast and data channels are left out of the answer', () => {
  const { media, answer } = negotiate(SIMULCAST)
  assert.deepEqual(
    media.map(({ offered }) => [offered.kind, offered.rids, offered.ssrcs]),
    [['video', ['h', 'm', 'l'], []]],
  )
  assert.doesNotMatch(answer, /simulcast|a=rid|rtp-stream-id/)
  assert.match(answer, /m=application 0 UDP\/DTLS\/SCTP/)
  assert.match(answer, /a=group:BUNDLE 0\r\n/)
})

/** Without its codec from elsewhere: H.264 is then not offered. */
const CHOSEN_OF_FIREFOX: readonly (readonly [
  VideoCodecName,
  payloadType: number,
  retransmissions: number,
  asks: string,
])[] = [
  ['vp8', 120, 124, 'max-fs=12288;max-fr=60'],
  ['vp9', 121, 125, 'max-fs=12288;max-fr=60'],
  ['av1', 99, 100, ''],
]

for (const [codec, payloadType, retransmissions, asks] of CHOSEN_OF_FIREFOX) {
  test(`Firefox's offer, ${codec} wanted`, () => {
    const { media, answer, hasTransportFeedback } = negotiate(FIREFOX, { ...ALL, video: [codec] })
    const [sound, video] = media
    assert.ok(sound !== undefined && video !== undefined)
    // It comes by port 0, and is there all the same: a=bundle-only.
    assert.equal(video.offered.isUsable, true)
    assert.deepEqual(
      [video.payloadFormat.codec, video.format.payloadType, video.retransmissionType, video.hasNack],
      [codec, payloadType, retransmissions, true],
    )
    assert.deepEqual([...video.offered.retransmissions], [[2992054478, 1454458812]])
    // Nothing repeats its sound.
    assert.deepEqual([sound.format.payloadType, sound.redundancyType, sound.hasNack], [109, undefined, false])
    assert.ok(hasTransportFeedback)
    const lines = answer.split('\r\n')
    assert.ok(lines.includes(`m=video 9 UDP/TLS/RTP/SAVPF ${payloadType} ${retransmissions}`), answer)
    assert.ok(lines.includes(`a=rtcp-fb:${payloadType} nack pli`), answer)
    assert.equal(lines.find((line) => line.startsWith(`a=fmtp:${payloadType} `))?.split(' ')[1] ?? '', asks)
    assert.ok(
      lines.includes('a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1;maxaveragebitrate=128000'),
      answer,
    )
    assert.deepEqual(
      lines.filter((line) => line.startsWith('a=extmap:')),
      [3, 7, 3, 7].map((id) => `a=extmap:${id} ${id === 3 ? MID : TRANSPORT_WIDE}`),
    )
  })
}

test('Firefox names the sources of every layer of simulcast beforehand: none is asked for but the first', () => {
  const { media, answer } = negotiate(vector('firefox-153-simulcast'))
  assert.deepEqual(
    media.map(({ offered }) => [offered.rids, offered.ssrcs.length, offered.retransmissions.size]),
    [[['h', 'm', 'l'], 3, 3]],
  )
  assert.doesNotMatch(answer, /simulcast|a=rid|rtp-stream-id/)
  assert.match(answer, /m=application 0 UDP\/DTLS\/SCTP/)
})

test("an offer in GStreamer's manner: no sources, no transport-wide feedback, a medium that is only there bundled", () => {
  const { media, answer, hasTransportFeedback } = negotiate(GSTREAMER)
  assert.deepEqual(
    media.map(({ offered, format }) => [offered.mid, format.encoding, offered.ssrcs]),
    [
      ['video0', 'H264', []],
      ['audio1', 'OPUS', []],
    ],
  )
  assert.equal(hasTransportFeedback, false)
  assert.match(answer, /a=fmtp:96 packetization-mode=1;profile-level-id=42c034;level-asymmetry-allowed=1/)
  assert.match(answer, /a=fmtp:97 sprop-stereo=1;stereo=1/)
})

test('H.264 in packets of one NAL unit each is taken where there is nothing else', () => {
  const mode0 = GSTREAMER.replace('packetization-mode=1;', 'packetization-mode=0;')
  assert.equal(negotiate(mode0).media[0]?.format.parameters.get('packetization-mode'), '0')
  const mode2 = GSTREAMER.replace('packetization-mode=1;', 'packetization-mode=2;')
  assert.deepEqual(
    negotiate(mode2).media.map(({ offered }) => offered.kind),
    ['audio'],
  )
})

test('sound without an rtpmap is known by its payload type', () => {
  const g711 = GSTREAMER.replace('SAVPF 97', 'SAVPF 8 0').replace(/a=(rtpmap|fmtp):97.*\r?\n/g, '')
  const { media, answer } = negotiate(g711)
  assert.deepEqual([media[1]?.format.encoding, media[1]?.format.payloadType], ['PCMU', 0])
  assert.match(answer, /m=audio 9 UDP\/TLS\/RTP\/SAVPF 0\r\n/)
})

test('nothing to take is told with what was offered', () => {
  assert.throws(() => negotiate(GSTREAMER, { video: ['vp8'], audio: ['pcma'] }), {
    code: 'webrtc/no-common-codec',
    message: /video H264, audio OPUS: offer .*VP8, PCMA/,
  })
})
