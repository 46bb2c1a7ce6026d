import { TapedeckError } from '#base/error.ts'
import { parseAv1C } from '#media/av1/av1c.ts'
import { parseAvcC } from '#media/h264/avcc.ts'
import { parseHvcC } from '#media/h265/hvcc.ts'
import type { TrackFormat } from '#media/track.ts'
import { parseVpcC } from '#media/vp9/vpcc.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'

/** A codec as an offer names it. */
export interface PlayerCodec {
  readonly payloadType: number
  /** As in `a=rtpmap`, in any case. */
  readonly encoding: string
  readonly clockRateHz: number
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** profile_idc of H.264 that every browser decodes: Baseline, Main, Extended and High, all of 8 bits and 4:2:0. */
const H264_PROFILES = new Set([66, 77, 88, 100])
/** What a player that names no profile decodes (RFC 6184 §8.1): Baseline. */
const UNTOLD_H264_PROFILE = '42000a'

/**
 * The codec to send a track in, as it is; undefined when the player has none for it.
 * @throws {CodecConfigurationError} the track's own configuration is malformed
 */
export function codecFor<Codec extends PlayerCodec>(format: TrackFormat, codecs: readonly Codec[]): Codec | undefined {
  const suits = suitability(format)
  let best: Codec | undefined
  let bestFit = 0
  for (const codec of codecs) {
    const fit = suits(codec)
    if (fit <= bestFit) continue
    best = codec
    bestFit = fit
  }
  return best
}

/** Whether anything could ever be sent in it. */
export function isSendable({ encoding, parameters }: PlayerCodec): boolean {
  const name = encoding.toUpperCase()
  if (name === 'H264') return parameters.get('packetization-mode') === '1'
  return ['H265', 'VP8', 'VP9', 'AV1', 'OPUS', 'PCMU', 'PCMA', 'G722'].includes(name)
}

/** How well a codec of the player's fits; 0: not at all. */
function suitability(format: TrackFormat): (codec: PlayerCodec) => number {
  const payloadFormat = payloadFormatOf(format)
  if (payloadFormat === undefined) return () => 0
  const { encoding } = payloadFormat
  const clockRateHz = payloadFormat.clockRateHz(format)
  const rank = ranking(format)
  return (codec) => {
    const isSame = codec.encoding.toUpperCase() === encoding && codec.clockRateHz === clockRateHz
    return isSame && isSendable(codec) ? rank(codec.parameters) : 0
  }
}

function ranking(format: TrackFormat): (parameters: PlayerCodec['parameters']) => number {
  const needs = (name: string, untold: number, wanted: number) => (parameters: PlayerCodec['parameters']) =>
    Number(parameters.get(name) ?? untold) === wanted ? 1 : 0
  const { codec, configuration } = format
  switch (codec) {
    case 'h264': {
      const { profileIdc, profileCompatibility } = parseAvcC(configuration)
      if (!H264_PROFILES.has(profileIdc)) return () => 0
      return (parameters) => h264Rank(profileIdc, profileCompatibility, parameters.get('profile-level-id'))
    }
    case 'h265':
      return needs('profile-id', 1, parseHvcC(configuration).profileTierLevel.profileIdc)
    case 'vp9':
      return needs('profile-id', 0, configuration.length === 0 ? 0 : parseVpcC(configuration, 'vp9').profile)
    case 'av1':
      return needs('profile', 0, configuration.length === 0 ? 0 : parseAv1C(configuration).profile)
    case 'opus':
    case 'pcmu':
    case 'pcma':
    case 'g722':
      // What more channels mean, only SDP beyond RFC 7587 and RFC 3551 could say.
      return () => (format.channels <= (codec === 'opus' ? 2 : 1) ? 1 : 0)
    default:
      return () => 1
  }
}

/** The same profile before one that has more, before one that has less: decoders take more than they promise. */
function h264Rank(profileIdc: number, compatibility: number, offered: string = UNTOLD_H264_PROFILE): number {
  const offeredIdc = Number.parseInt(offered.slice(0, 2), 16)
  const offeredConstraints = Number.parseInt(offered.slice(2, 4), 16)
  // constraint_set1_flag makes Baseline Constrained Baseline, which Main and High decoders know too.
  const isConstrained = (compatibility & 0x40) !== 0
  if (offeredIdc === profileIdc) return isConstrained === ((offeredConstraints & 0x40) !== 0) ? 4 : 3
  return offeredIdc > profileIdc ? 2 : 1
}

/** The track's codec as people write it; for errors. */
export function codecName(format: TrackFormat): string {
  try {
    return payloadFormatOf(format)?.encoding ?? format.codec
  } catch (error) {
    if (error instanceof TapedeckError) return format.codec
    throw error
  }
}
