import type { PayloadFormat } from './payload-format.ts'
import { sampleAudioPayload } from './sample-audio.ts'

/** RTP payload format of 16-bit samples, big-endian (RFC 3551 §4.5.11). */
export const l16Payload: PayloadFormat = sampleAudioPayload({
  encoding: 'L16',
  codec: 'l16',
  groupBytes: 2,
  groupTicks: 1,
})
