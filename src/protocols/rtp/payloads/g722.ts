import type { PayloadFormat } from './payload-format.ts'
import { sampleAudioPayload } from './sample-audio.ts'

/** RTP payload format of G.722, whose clock counts octets of two samples, not samples (RFC 3551 §4.5.2). */
export const g722Payload: PayloadFormat = sampleAudioPayload({
  encoding: 'G722',
  codec: 'g722',
  groupBytes: 1,
  groupTicks: 1,
  samplesPerTick: 2,
})
