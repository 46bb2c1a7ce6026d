import { parseAc3Syncframe } from '#media/ac3/ac3-syncframe.ts'
import { AC3_FRAME_SAMPLES } from '#media/ac3/tables.ts'
import type { PayloadFormat } from './payload-format.ts'
import { SyncframeDepacketizer, SyncframePacketizer, type SyncframeSyntax, samplingClock } from './syncframe-payload.ts'

/** FT: complete frames, the first five eighths or more of one, less than that, other fragments. */
const SYNTAX: SyncframeSyntax = {
  contentOf: (firstByte) =>
    (['frames', 'firstFragment', 'firstFragment', 'fragment'] as const)[firstByte & 3] ?? 'frames',
  firstByte: (content, isMostOfFrame) =>
    content === 'frames' ? 0 : content === 'fragment' ? 3 : isMostOfFrame ? 1 : 2,
  measure(bytes) {
    const { frameBytes, sampleRateHz } = parseAc3Syncframe(bytes)
    return { bytes: frameBytes, samples: AC3_FRAME_SAMPLES, sampleRateHz }
  },
}

/** RTP payload format for AC-3 (RFC 4184). */
export const ac3Payload: PayloadFormat = {
  encoding: 'AC3',
  codec: 'ac3',
  kind: 'audio',
  depacketizer: (options) => new SyncframeDepacketizer(options, SYNTAX),
  packetizer: () => new SyncframePacketizer(SYNTAX),
  clockRateHz: samplingClock,
  parameters: () => '',
}
