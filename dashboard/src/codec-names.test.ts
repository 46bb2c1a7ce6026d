import assert from 'node:assert/strict'
import { test } from 'node:test'
import { containerName, describeTrack, protocolName } from './codec-names.ts'

const CASES = [
  {
    track: { kind: 'video', codec: 'h264', width: 1280, height: 720, frameRate: 29.97002997 },
    text: 'H.264 1280×720 29.97 fps',
  },
  { track: { kind: 'video', codec: 'vp8' }, text: 'VP8' },
  { track: { kind: 'audio', codec: 'aac', sampleRateHz: 44_100, channels: 2 }, text: 'AAC 44.1 kHz stereo' },
  { track: { kind: 'audio', codec: 'ac3', sampleRateHz: 48_000, channels: 6 }, text: 'AC-3 48 kHz 6 channels' },
  { track: { kind: 'audio', codec: 'newer' }, text: 'newer' },
] as const
for (const { track, text } of CASES) test(`track: ${text}`, () => assert.equal(describeTrack(track), text))

test('containers by their names', () => {
  assert.deepEqual(['mp4', 'ts', 'webm'].map(containerName), ['MP4', 'MPEG-TS', 'WebM'])
})

test('protocols are called as people do, and what is fetched is told from what is published', () => {
  assert.equal(protocolName('rtmp'), 'RTMP')
  assert.equal(protocolName('rtmps-pull'), 'RTMPS, fetched')
  assert.equal(protocolName('webrtc'), 'WebRTC')
})
