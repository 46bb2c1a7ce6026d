import { parseAv1C } from './av1/av1c.ts'
import type { VideoCodec } from './codec.ts'
import { asConfiguration } from './errors.ts'
import { parseAvcC } from './h264/avcc.ts'
import { parseH264Sps } from './h264/sps.ts'
import { firstHevcUnit, parseHvcC } from './h265/hvcc.ts'
import { H265NalUnitType } from './h265/nal-unit-type.ts'
import { parseH265Sps } from './h265/sps.ts'
import { parseH265Vps } from './h265/vps.ts'
import { parseMpeg4Headers } from './mpeg4/headers.ts'
import type { ColorInfo, VideoFormat } from './track.ts'
import { canonicalVpcC, parseVpcC, vpColor } from './vp9/vpcc.ts'

/** What a configuration record tells; zeros and undefined where it is silent. */
export interface VideoDescription {
  /** In the canonical form of codec.ts; borrows from the input. */
  readonly configuration: Uint8Array
  readonly widthPixels: number
  readonly heightPixels: number
  readonly pixelAspect: VideoFormat['pixelAspect'] | undefined
  readonly frameRate: number
  readonly color: ColorInfo | undefined
}

/** @throws {CodecConfigurationError} */
export function describeVideoConfiguration(codec: VideoCodec, configuration: Uint8Array): VideoDescription {
  const silent: VideoDescription = {
    configuration,
    widthPixels: 0,
    heightPixels: 0,
    pixelAspect: undefined,
    frameRate: 0,
    color: undefined,
  }
  if (configuration.length === 0) return silent
  switch (codec) {
    case 'h264':
      return { ...silent, ...describeH264(configuration) }
    case 'h265':
      return { ...silent, ...describeH265(configuration) }
    case 'av1':
      return { ...silent, ...parseAv1C(configuration).sequenceHeader, configuration }
    case 'mpeg4': {
      const { widthPixels, heightPixels, pixelAspect, frameRate } = parseMpeg4Headers(configuration)
      return { ...silent, widthPixels, heightPixels, pixelAspect, frameRate }
    }
    case 'jpeg':
      return { ...silent, configuration: configuration.subarray(0, 0) } // every image says all there is to say
    case 'vp9':
    case 'vp8': {
      const color = vpColor(parseVpcC(configuration, codec))
      return { ...silent, configuration: canonicalVpcC(configuration), color }
    }
  }
}

function describeH264(configuration: Uint8Array): Partial<VideoDescription> {
  const [firstSps] = parseAvcC(configuration).sps
  if (firstSps === undefined) return {}
  const sps = asConfiguration('h264', () => parseH264Sps(firstSps))
  const { widthPixels, heightPixels, vui } = sps
  return { widthPixels, heightPixels, pixelAspect: vui?.pixelAspect, frameRate: vui?.frameRate ?? 0, color: vui?.color }
}

function describeH265(configuration: Uint8Array): Partial<VideoDescription> {
  const record = parseHvcC(configuration)
  const firstSps = firstHevcUnit(record, H265NalUnitType.sps)
  if (firstSps === undefined) return { frameRate: record.averageFrameRate }
  const firstVps = firstHevcUnit(record, H265NalUnitType.vps)
  return asConfiguration('h265', () => {
    const { widthPixels, heightPixels, vui } = parseH265Sps(firstSps)
    const vpsRate = firstVps === undefined ? 0 : parseH265Vps(firstVps).frameRate
    const frameRate = vui?.frameRate || vpsRate || record.averageFrameRate
    return { widthPixels, heightPixels, pixelAspect: vui?.pixelAspect, frameRate, color: vui?.color }
  })
}
