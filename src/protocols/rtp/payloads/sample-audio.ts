import type { AudioCodec } from '#media/codec.ts'
import type { PayloadFormat } from './payload-format.ts'
import { SamplePacketizer } from './sample-packetizer.ts'
import { WholeUnitDepacketizer } from './whole-unit.ts'

const NO_CONFIGURATION = new Uint8Array(0)

/** What tells one payload format of plain samples from another. */
export interface SampleAudioOptions {
  readonly encoding: string
  readonly codec: AudioCodec
  /** Bytes of the smallest group of whole samples of one channel, and how long it lasts in ticks of the RTP clock. */
  readonly groupBytes: number
  readonly groupTicks: number
  /** PCM samples a second for each tick a second of the RTP clock. Default 1. */
  readonly samplesPerTick?: number
  /** Default: none. */
  readonly configuration?: Uint8Array
}

/** Sound that is nothing but samples, channels interleaved: any number of them makes a packet (RFC 3551 §4.2). */
export function sampleAudioPayload(options: SampleAudioOptions): PayloadFormat {
  const { encoding, codec, groupBytes, groupTicks, samplesPerTick = 1, configuration = NO_CONFIGURATION } = options
  return {
    encoding,
    codec,
    kind: 'audio',
    depacketizer({ sink, clockRateHz, channels, configured }) {
      const hints = { sampleRateHz: clockRateHz * samplesPerTick, channels }
      return new WholeUnitDepacketizer(sink, () => configured(configuration, hints), groupBytes * channels)
    },
    packetizer: (format) =>
      new SamplePacketizer(groupBytes * (format.kind === 'audio' ? format.channels : 1), groupTicks),
    clockRateHz: (format) => (format.kind === 'audio' ? format.sampleRateHz / samplesPerTick : format.timescale),
    parameters: () => '',
  }
}
