import type { PayloadFormat } from './payload-format.ts'
import { sampleAudioPayload } from './sample-audio.ts'

/** RTP payload format of G.711 A-law: one byte a sample (RFC 3551 §4.5.14). */
export const pcmaPayload: PayloadFormat = sampleAudioPayload({
  encoding: 'PCMA',
  codec: 'pcma',
  groupBytes: 1,
  groupTicks: 1,
})

/** RTP payload format of G.711 µ-law: one byte a sample (RFC 3551 §4.5.14). */
export const pcmuPayload: PayloadFormat = sampleAudioPayload({
  encoding: 'PCMU',
  codec: 'pcmu',
  groupBytes: 1,
  groupTicks: 1,
})
