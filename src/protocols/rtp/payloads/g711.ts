import type { AudioCodec } from '#media/codec.ts'
import type { PayloadFormat } from './payload-format.ts'
import { SamplePacketizer } from './sample-packetizer.ts'
import { WholeUnitDepacketizer } from './whole-unit.ts'

const NO_CONFIGURATION = new Uint8Array(0)

/** RTP payload format for G.711, one byte a sample, channels interleaved (RFC 3551 §4.5.14). */
function g711Payload(encoding: string, codec: AudioCodec): PayloadFormat {
  return {
    encoding,
    codec,
    kind: 'audio',
    depacketizer({ sink, clockRateHz, channels, configured }) {
      const configure = () => configured(NO_CONFIGURATION, { sampleRateHz: clockRateHz, channels })
      return new WholeUnitDepacketizer(sink, configure)
    },
    packetizer: (format) => new SamplePacketizer(format.kind === 'audio' ? format.channels : 1, 1),
    clockRateHz: (format) => (format.kind === 'audio' ? format.sampleRateHz : format.timescale),
    parameters: () => '',
  }
}

/** A-law. */
export const pcmaPayload: PayloadFormat = g711Payload('PCMA', 'pcma')
/** µ-law. */
export const pcmuPayload: PayloadFormat = g711Payload('PCMU', 'pcmu')
