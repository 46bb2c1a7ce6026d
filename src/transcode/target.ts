import { AAC_SAMPLE_RATES_HZ } from '#media/aac/audio-specific-config.ts'
import { BitWriter } from '#media/bits.ts'
import { makeAudioFormat } from '#media/format.ts'
import { OPUS_SAMPLE_RATE_HZ } from '#media/opus/opus-head.ts'
import type { AudioFormat } from '#media/track.ts'

/** Codecs that audio can be transcoded to. */
export const TARGET_CODECS = ['aac', 'opus', 'vorbis'] as const
/** One of {@link TARGET_CODECS}. */
export type TargetCodec = (typeof TARGET_CODECS)[number]

/** libavcodec's AAC encoders: its own, and Fraunhofer's, whose licence keeps it out of many builds. */
export const AAC_ENCODERS = ['aac', 'libfdk_aac'] as const
/** One of {@link AAC_ENCODERS}. */
export type AacEncoder = (typeof AAC_ENCODERS)[number]
/** There in every build. */
export const DEFAULT_AAC_ENCODER: AacEncoder = 'aac'

/**
 * Bits per second and channel, by the lowest sample rate they are for. What AAC-LC needs to be taken for the source, and
 * Vorbis too.
 */
const AAC_BITRATES: readonly (readonly [fromHz: number, bitsPerSecond: number])[] = [
  [44_100, 64_000],
  [32_000, 56_000],
  [22_050, 40_000],
  [16_000, 32_000],
  [0, 24_000],
]
const OPUS_BITRATE = 48_000

/** Above it libvorbis has no settings for the bitrates here. */
const MAX_VORBIS_RATE_HZ = 48_000

/** Sound of more channels is mixed down: what order they are in, PCM does not say. */
const MAX_CHANNELS = 2

/** What a track becomes. */
export interface Target {
  readonly codec: TargetCodec
  readonly sampleRateHz: number
  readonly channels: number
  readonly bitrateBps: number
}

/**
 * What to make of a source.
 * @param sampleRateHz 0: the source's, or for AAC and Vorbis the next higher that there is. Opus is always 48 kHz.
 */
export function targetOf(source: AudioFormat, codec: TargetCodec, sampleRateHz: number): Target {
  const channels = Math.min(source.channels, MAX_CHANNELS)
  if (codec === 'opus')
    return { codec, sampleRateHz: OPUS_SAMPLE_RATE_HZ, channels, bitrateBps: OPUS_BITRATE * channels }
  const mostHz = codec === 'vorbis' ? MAX_VORBIS_RATE_HZ : AAC_SAMPLE_RATES_HZ[0]
  const wantedHz = Math.min(mostHz, sampleRateHz || source.sampleRateHz)
  const rateHz = AAC_SAMPLE_RATES_HZ.findLast((hz) => hz >= wantedHz) ?? AAC_SAMPLE_RATES_HZ[0]
  const [, perChannel = 0] = AAC_BITRATES.find(([fromHz]) => rateHz >= fromHz) ?? []
  return { codec, sampleRateHz: rateHz, channels, bitrateBps: perChannel * channels }
}

/**
 * The transcoded track: known before the first sample is, so that a file can be begun. Its ticks are samples.
 * @param headers of Vorbis, which only its encoder can tell: without them the format describes nothing yet
 * @throws {CodecConfigurationError} never for a target that targetOf() made
 */
export function targetFormat(source: AudioFormat, target: Target, headers = new Uint8Array()): AudioFormat {
  const { codec, sampleRateHz, channels, bitrateBps } = target
  const format = makeAudioFormat({
    trackId: source.trackId,
    codec,
    timescale: sampleRateHz,
    configuration: CONFIGURATIONS[codec](target, headers),
    announcedBitrateBps: bitrateBps,
    language: source.language,
    sampleRateHz,
    channels,
  })
  return Object.freeze({ ...format, transcodedFrom: source.codec })
}

const CONFIGURATIONS = {
  aac: aacConfiguration,
  opus: opusConfiguration,
  vorbis: (_target: Target, headers: Uint8Array) => headers,
} as const

/** AudioSpecificConfig of AAC-LC, saying that there is no SBR: below 32 kHz players would look for it. */
function aacConfiguration({ sampleRateHz, channels }: Target): Uint8Array {
  const writer = new BitWriter()
  writer.u(5, 2) // audioObjectType: AAC LC
  writer.u(4, (AAC_SAMPLE_RATES_HZ as readonly number[]).indexOf(sampleRateHz)) // samplingFrequencyIndex
  writer.u(4, channels) // channelConfiguration
  writer.u(3, 0) // frameLengthFlag, dependsOnCoreCoder, extensionFlag
  writer.u(11, 0x2b7) // syncExtensionType
  writer.u(5, 5) // extensionAudioObjectType: SBR
  writer.u(8, 0) // sbrPresentFlag, and padding
  return writer.bytes()
}

/** OpusHead, RFC 7845 §5.1. Without pre-skip: access units stand where their sound is, and those before it are left out. */
function opusConfiguration({ sampleRateHz, channels }: Target): Uint8Array {
  const head = new Uint8Array(19)
  head.set(Buffer.from('OpusHead'))
  head.set([1, channels], 8) // Version, Channel Count
  const view = new DataView(head.buffer)
  view.setUint32(12, sampleRateHz, true) // Input Sample Rate; Pre-skip, Output Gain and Mapping Family are 0
  return head
}
