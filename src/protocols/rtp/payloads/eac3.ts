import { measureEac3AccessUnit } from '#media/ac3/eac3-syncframe.ts'
import type { PayloadFormat } from './payload-format.ts'
import { SyncframeDepacketizer, SyncframePacketizer, type SyncframeSyntax, samplingClock } from './syncframe-payload.ts'

/** F: complete frames, or a fragment of one; the first is told by its sync word. */
const SYNTAX: SyncframeSyntax = {
  contentOf: (firstByte) => ((firstByte & 1) === 0 ? 'frames' : 'fragment'),
  firstByte: (content) => (content === 'frames' ? 0 : 1),
  measure: measureEac3AccessUnit,
}

/** RTP payload format for E-AC-3 (RFC 4598). */
export const eac3Payload: PayloadFormat = {
  encoding: 'EAC3',
  codec: 'eac3',
  kind: 'audio',
  depacketizer: (options) => new SyncframeDepacketizer(options, SYNTAX),
  packetizer: () => new SyncframePacketizer(SYNTAX),
  clockRateHz: samplingClock,
  parameters: () => '',
}
