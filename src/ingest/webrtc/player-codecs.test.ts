import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { TrackFormat } from '#media/track.ts'
import { AAC, H264 } from '#test/support/rtp-media.ts'
import { codecFor, type PlayerCodec } from './player-codecs.ts'

function codec(payloadType: number, encoding: string, parameters = '', clockRateHz = 90_000): PlayerCodec {
  const pairs = parameters.split(';').map((pair) => pair.split('=') as [string, string])
  return { payloadType, encoding, clockRateHz, parameters: new Map(parameters === '' ? [] : pairs) }
}

/** What Chromium offers to receive, in its order. */
const CHROMIUM = [
  codec(96, 'VP8'),
  codec(97, 'RTX', 'apt=96'),
  codec(103, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f'),
  codec(107, 'H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f'),
  codec(109, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f'),
  codec(115, 'H264', 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f'),
  codec(117, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f'),
  codec(119, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f'),
  codec(39, 'H264', 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f4001f'),
  codec(45, 'AV1', 'level-idx=5;profile=0;tier=0'),
  codec(98, 'VP9', 'profile-id=0'),
  codec(100, 'VP9', 'profile-id=2'),
  codec(111, 'OPUS', 'minptime=10;useinbandfec=1', 48_000),
  codec(9, 'G722', '', 8_000),
  codec(0, 'PCMU', '', 8_000),
  codec(8, 'PCMA', '', 8_000),
]

/** The record's profile alone is changed: that is what is looked at. */
function h264(profileIdc: number, compatibility: number): TrackFormat {
  const configuration = Uint8Array.from(H264.configuration)
  configuration.set([profileIdc, compatibility], 1)
  return { ...H264, configuration }
}

const PICTURES = [
  { name: 'Constrained Baseline', format: h264(66, 0xe0), payloadType: 109 },
  { name: 'Baseline', format: h264(66, 0), payloadType: 103 },
  { name: 'Main', format: h264(77, 0x40), payloadType: 117 },
  { name: 'High', format: h264(100, 0), payloadType: 119 },
  { name: 'High 10, which nobody decodes', format: h264(110, 0), payloadType: undefined },
]
for (const { name, format, payloadType } of PICTURES) {
  test(`H.264 ${name} as Chromium takes it: ${payloadType ?? 'not at all'}`, () => {
    assert.equal(codecFor(format, CHROMIUM)?.payloadType, payloadType)
  })
}

test('a profile the player does not name: the next that has more, else what there is', () => {
  const modest = [codec(1, 'H264', 'packetization-mode=1;profile-level-id=42e01f')]
  assert.equal(codecFor(h264(100, 0), modest)?.payloadType, 1)
  const both = [...modest, codec(2, 'H264', 'packetization-mode=1;profile-level-id=640c1f')]
  assert.equal(codecFor(h264(77, 0), both)?.payloadType, 2)
  assert.equal(codecFor(h264(77, 0), [codec(3, 'H264', 'packetization-mode=0')]), undefined)
  assert.equal(codecFor(h264(66, 0), [codec(4, 'H264', 'packetization-mode=1')])?.payloadType, 4)
})

test('other codecs by name, clock and profile', () => {
  const vp8 = makeVideoFormat({ codec: 'vp8', trackId: 1, timescale: 90_000, configuration: new Uint8Array(0) })
  const vp9 = makeVideoFormat({ codec: 'vp9', trackId: 1, timescale: 90_000, configuration: new Uint8Array(0) })
  assert.equal(codecFor(vp8, CHROMIUM)?.payloadType, 96)
  assert.equal(codecFor(vp9, CHROMIUM)?.payloadType, 98)
  assert.equal(codecFor(vp9, [codec(100, 'VP9', 'profile-id=2')]), undefined)
  const g711 = { codec: 'pcma', trackId: 2, timescale: 8_000, configuration: new Uint8Array(0), channels: 1 } as const
  assert.equal(codecFor(makeAudioFormat({ ...g711, sampleRateHz: 8_000 }), CHROMIUM)?.payloadType, 8)
  assert.equal(codecFor(makeAudioFormat({ ...g711, sampleRateHz: 16_000 }), CHROMIUM), undefined)
  assert.equal(codecFor(AAC, CHROMIUM), undefined)
})
