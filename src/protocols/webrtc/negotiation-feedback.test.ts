import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WEBRTC_AUDIO_CODECS, WEBRTC_VIDEO_CODECS } from '#base/webrtc-codecs.ts'
import { EXTENSION_URIS } from '../rtp/header-extensions.ts'
import { parseOffer } from './description.ts'
import { negotiateReceiving } from './negotiation.ts'

const CHROMIUM = readFileSync(join(import.meta.dirname, '../../../test/vectors/webrtc/chromium-156.sdp'), 'utf8')

function negotiate(sdp: string, audio: readonly (typeof WEBRTC_AUDIO_CODECS)[number][] = WEBRTC_AUDIO_CODECS) {
  return negotiateReceiving(parseOffer(sdp), { video: WEBRTC_VIDEO_CODECS, audio }, 2_500_000)
}
const formatsOf = ({ answered }: ReturnType<typeof negotiate>, kind: string) =>
  answered.find(({ offered }) => offered.kind === kind)?.accepted?.formats.map(({ encoding }) => encoding)

test('packets that repeat those before them are answered first: what is first is sent', () => {
  const negotiation = negotiate(CHROMIUM)
  assert.deepEqual(formatsOf(negotiation, 'audio'), ['RED', 'OPUS'])
  assert.deepEqual(negotiation.media.map(({ offered, redundancyType }) => [offered.kind, redundancyType]).toSorted(), [
    ['audio', 63],
    ['video', undefined],
  ])
  // They are of Opus.
  assert.deepEqual(formatsOf(negotiate(CHROMIUM, ['pcmu']), 'audio'), ['PCMU'])
})

test('packets are numbered only where arrivals are told', () => {
  const numbered = (sdp: string) =>
    negotiate(sdp).answered.map(({ accepted }) => accepted?.extensions.has(EXTENSION_URIS.transportSequence))
  assert.deepEqual(numbered(CHROMIUM), [true, true])
  const without = CHROMIUM.replace(/^a=rtcp-fb:\d+ transport-cc\r?\n/gm, '')
  assert.deepEqual(numbered(without), [false, false])
  assert.equal(negotiate(without).hasTransportFeedback, false)
})
