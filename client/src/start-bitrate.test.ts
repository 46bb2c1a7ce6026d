import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withStartBitrate } from './start-bitrate.ts'

const HEAD = 'v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1\r\n'
const H264 =
  'm=video 9 UDP/TLS/RTP/SAVPF 102 103\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1\r\na=fmtp:103 apt=102\r\n'
const VP8 = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=mid:1\r\n'

test('the codec that is sent gets it, beside what it has', () => {
  assert.equal(
    withStartBitrate(HEAD + H264),
    HEAD + H264.replace('packetization-mode=1', 'packetization-mode=1;x-google-start-bitrate=2000'),
  )
})

test('a codec without parameters gets its first', () => {
  assert.equal(
    withStartBitrate(HEAD + VP8, 500_000),
    HEAD + VP8.replace('a=mid', 'a=fmtp:96 x-google-start-bitrate=500\r\na=mid'),
  )
})

test('sound stays as it is', () => assert.equal(withStartBitrate(HEAD), HEAD))
