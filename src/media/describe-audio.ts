import { parseAudioSpecificConfig } from './aac/audio-specific-config.ts'
import { parseDac3 } from './ac3/dac3.ts'
import { parseDec3 } from './ac3/dec3.ts'
import { AC3_FRAME_SAMPLES } from './ac3/tables.ts'
import type { AudioCodec } from './codec.ts'
import { CodecConfigurationError } from './errors.ts'
import { canonicalStreamInfo, parseFlacStreamInfo } from './flac/stream-info.ts'
import { mp3SamplesPerFrame } from './mp3/frame-header.ts'
import { OPUS_SAMPLE_RATE_HZ, parseOpusHead } from './opus/opus-head.ts'
import { G722_SAMPLE_RATE_HZ } from './pcm/g722.ts'
import { parseG726Bits } from './pcm/g726.ts'
import type { AudioFormat } from './track.ts'

/** What a configuration record, with hints where it is silent, tells of an audio track. */
export interface AudioDescription extends Pick<AudioFormat, 'sampleRateHz' | 'channels' | 'samplesPerAccessUnit'> {
  /** In the canonical form of codec.ts; borrows from the input. */
  readonly configuration: Uint8Array
}

/** @throws {CodecConfigurationError} malformed, or rate or channels stay unknown */
export function describeAudioConfiguration(
  codec: AudioCodec,
  configuration: Uint8Array,
  hints: { readonly sampleRateHz: number; readonly channels: number },
): AudioDescription {
  const description = describe(codec, configuration, hints)
  if (description.sampleRateHz > 0 && description.channels > 0) return description
  throw new CodecConfigurationError(codec, 'does not tell sample rate and channels, and nothing else does')
}

function describe(
  codec: AudioCodec,
  configuration: Uint8Array,
  hints: { readonly sampleRateHz: number; readonly channels: number },
): AudioDescription {
  switch (codec) {
    case 'aac': {
      const { outputSampleRateHz, channels, samplesPerAccessUnit } = parseAudioSpecificConfig(configuration)
      return {
        configuration,
        sampleRateHz: outputSampleRateHz,
        channels: channels || hints.channels,
        samplesPerAccessUnit,
      }
    }
    case 'opus': {
      const { channels } = parseOpusHead(configuration)
      return { configuration, sampleRateHz: OPUS_SAMPLE_RATE_HZ, channels, samplesPerAccessUnit: 0 }
    }
    case 'flac': {
      const { sampleRateHz, channels } = parseFlacStreamInfo(configuration)
      return { configuration: canonicalStreamInfo(configuration), sampleRateHz, channels, samplesPerAccessUnit: 0 }
    }
    case 'ac3': {
      const { sampleRateHz, channels } = parseDac3(configuration)
      return { configuration, sampleRateHz, channels, samplesPerAccessUnit: AC3_FRAME_SAMPLES }
    }
    case 'eac3': {
      const { sampleRateHz, channels } = parseDec3(configuration)
      return { configuration, sampleRateHz, channels, samplesPerAccessUnit: AC3_FRAME_SAMPLES }
    }
    case 'mp3':
      return { configuration, ...hints, samplesPerAccessUnit: mp3SamplesPerFrame(3, hints.sampleRateHz) }
    case 'vorbis': // who makes the headers knows what they say
    case 'pcma':
    case 'pcmu':
    case 'l16':
      return { configuration, ...hints, samplesPerAccessUnit: 0 }
    case 'g722':
      return { configuration, ...hints, sampleRateHz: G722_SAMPLE_RATE_HZ, samplesPerAccessUnit: 0 }
    case 'g726':
      parseG726Bits(configuration)
      return { configuration, ...hints, samplesPerAccessUnit: 0 }
  }
}
