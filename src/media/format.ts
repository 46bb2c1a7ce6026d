import { copyOf } from './bytes.ts'
import type { AudioCodec, VideoCodec } from './codec.ts'
import { describeAudioConfiguration } from './describe-audio.ts'
import { describeVideoConfiguration } from './describe-video.ts'
import { CodecConfigurationError } from './errors.ts'
import type { AudioFormat, ColorInfo, VideoFormat } from './track.ts'

interface FormatInit {
  readonly trackId: number
  /** Ticks per second. */
  readonly timescale: number
  /**
   * The codec configuration record; copied. Besides the forms of codec.ts it may be what publishers send instead: a vpcC
   * without its full box header, FLAC's stream start or dfLa body. The format holds the canonical form.
   */
  readonly configuration: Uint8Array
  /** Bits per second; 0 (the default) when unknown. */
  readonly announcedBitrateBps?: number | undefined
  /** ISO 639-2/T; anything else becomes `und`. */
  readonly language?: string | undefined
}

/** Hints count only where the configuration record is silent. */
export interface VideoFormatInit extends FormatInit {
  readonly codec: VideoCodec
  readonly widthPixels?: number | undefined
  readonly heightPixels?: number | undefined
  readonly frameRateHint?: number | undefined
  readonly color?: ColorInfo | undefined
}

/** Hints count only where the configuration record is silent (MP3, G.711, AAC with channels described elsewhere). */
export interface AudioFormatInit extends FormatInit {
  readonly codec: AudioCodec
  readonly sampleRateHz?: number | undefined
  readonly channels?: number | undefined
}

/** Real records stay under 1 kB; hvcC with many parameter sets and SEI under 10 kB. */
const MAX_CONFIGURATION_BYTES = 64 * 1024

const SQUARE_PIXELS = { horizontal: 1, vertical: 1 } as const

/**
 * Describes a video track from its configuration record. Without a record (VP8, VP9 and parameter sets in the media),
 * the hints are all there is.
 * @throws {CodecConfigurationError} the record is malformed
 */
export function makeVideoFormat(init: VideoFormatInit): VideoFormat {
  checkSize(init)
  const told = describeVideoConfiguration(init.codec, init.configuration)
  return Object.freeze({
    kind: 'video',
    codec: init.codec,
    ...common(init, told.configuration),
    widthPixels: told.widthPixels || init.widthPixels || 0,
    heightPixels: told.heightPixels || init.heightPixels || 0,
    pixelAspect: told.pixelAspect ?? SQUARE_PIXELS,
    frameRateHint: told.frameRate || init.frameRateHint || 0,
    color: told.color ?? init.color,
  })
}

/**
 * Describes an audio track from its configuration record. `sampleRateHz` is the rate of the decoded audio: for AAC with
 * explicitly signalled SBR that is twice the core coder's, and an access unit has 2048 samples of it. Opus is always
 * 48,000.
 * @throws {CodecConfigurationError} the record is malformed, or neither it nor the hints tell rate and channels
 */
export function makeAudioFormat(init: AudioFormatInit): AudioFormat {
  checkSize(init)
  const told = describeAudioConfiguration(init.codec, init.configuration, {
    sampleRateHz: init.sampleRateHz ?? 0,
    channels: init.channels ?? 0,
  })
  return Object.freeze({
    kind: 'audio',
    codec: init.codec,
    ...common(init, told.configuration),
    sampleRateHz: told.sampleRateHz,
    channels: told.channels,
    samplesPerAccessUnit: told.samplesPerAccessUnit,
  })
}

function checkSize(init: VideoFormatInit | AudioFormatInit): void {
  const bytes = init.configuration.length
  if (bytes <= MAX_CONFIGURATION_BYTES) return
  throw new CodecConfigurationError(init.codec, `has ${bytes} bytes, more than ${MAX_CONFIGURATION_BYTES}`)
}

function common(init: FormatInit, configuration: Uint8Array) {
  return {
    trackId: init.trackId,
    timescale: init.timescale,
    configuration: copyOf(configuration),
    announcedBitrateBps: init.announcedBitrateBps ?? 0,
    language: init.language !== undefined && /^[a-z]{3}$/.test(init.language) ? init.language : 'und',
  }
}
