import { buildOpusHead, parseOpusHead } from '#media/opus/opus-head.ts'
import type { PayloadFormat } from './payload-format.ts'
import { WholeUnitDepacketizer, wholeUnitPacketizer } from './whole-unit.ts'

/** What is decoded is always 48 kHz, so the rate of the sender's input is for information only. */
const SAMPLE_RATE_HZ = 48_000

/** RTP payload format for Opus (RFC 7587): a packet is an access unit. */
export const opusPayload: PayloadFormat = {
  encoding: 'OPUS',
  codec: 'opus',
  kind: 'audio',
  depacketizer({ sink, channels, configured }) {
    // The rtpmap always says two channels (§7); what is really in the packets is told by each of them.
    const head = { channels: Math.min(2, channels), preSkip: 0, inputSampleRateHz: SAMPLE_RATE_HZ, outputGain: 0 }
    const configuration = buildOpusHead({ ...head, mappingFamily: 0, mapping: undefined })
    return new WholeUnitDepacketizer(sink, () => configured(configuration, {}))
  },
  packetizer: () => wholeUnitPacketizer,
  clockRateHz: () => SAMPLE_RATE_HZ,
  parameters: (format) => `sprop-stereo=${parseOpusHead(format.configuration).channels > 1 ? 1 : 0}`,
}
