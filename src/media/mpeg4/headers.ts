import { BitReader } from '../bits.ts'
import { asConfiguration, BitstreamError } from '../errors.ts'
import { frameRate } from '../nal/vui.ts'
import type { VideoFormat } from '../track.ts'
import { Mpeg4StartCode, nextStartCode } from './start-codes.ts'

/** aspect_ratio_info 1 to 5. ISO/IEC 14496-2 table 6-12. */
const PIXEL_ASPECTS = [undefined, [1, 1], [12, 11], [10, 11], [16, 11], [40, 33]] as const
const EXTENDED_PAR = 15
/** video_object_type_indication of the simple profile, which has no B-VOPs. Table 6-10. */
const SIMPLE_OBJECT = 1
const RECTANGULAR = 0

/** What the headers before the first picture tell. */
export interface Mpeg4Headers {
  /** profile_and_level_indication; undefined without a visual object sequence header. */
  readonly profileLevel: number | undefined
  readonly widthPixels: number
  readonly heightPixels: number
  readonly pixelAspect: VideoFormat['pixelAspect'] | undefined
  /** Pictures per second where the headers promise equal intervals; else 0. */
  readonly frameRate: number
  /** Pictures may be shown in another order than they are decoded. */
  readonly hasBVops: boolean
}

/**
 * Reads the configuration of an MPEG-4 part 2 track. ISO/IEC 14496-2 §6.2.2 and §6.2.3.
 * @throws {CodecConfigurationError}
 */
export function parseMpeg4Headers(configuration: Uint8Array): Mpeg4Headers {
  return asConfiguration('mpeg4', () => {
    let profileLevel: number | undefined
    for (let at = nextStartCode(configuration, 0); at >= 0; at = nextStartCode(configuration, at + 3)) {
      const value = configuration[at + 3] ?? 0
      if (value === Mpeg4StartCode.visualObjectSequence) profileLevel = configuration[at + 4]
      if (isLayer(value)) return { profileLevel, ...parseLayer(configuration.subarray(at + 4)) }
    }
    throw new BitstreamError('MPEG-4 header', 'has no video object layer')
  })
}

/**
 * The headers at the start of an access unit, borrowed: all up to its first GOV or VOP, where that includes a video
 * object layer.
 */
export function mpeg4HeadersOf(accessUnit: Uint8Array): Uint8Array | undefined {
  let hasLayer = false
  for (let at = nextStartCode(accessUnit, 0); at >= 0; at = nextStartCode(accessUnit, at + 3)) {
    const value = accessUnit[at + 3] ?? 0
    if (isLayer(value)) hasLayer = true
    if (value === Mpeg4StartCode.groupOfVop || value === Mpeg4StartCode.vop) {
      return hasLayer ? accessUnit.subarray(0, at) : undefined
    }
  }
  return undefined
}

function isLayer(value: number): boolean {
  return value >= Mpeg4StartCode.firstVideoObjectLayer && value <= Mpeg4StartCode.lastVideoObjectLayer
}

/** VideoObjectLayer() up to the size. */
function parseLayer(bytes: Uint8Array): Omit<Mpeg4Headers, 'profileLevel'> {
  const reader = new BitReader(bytes, 'MPEG-4 video object layer')
  reader.skip(1) // random_accessible_vol
  const objectType = reader.u(8) // video_object_type_indication
  if (reader.flag()) reader.skip(4 + 3) // video_object_layer_verid, _priority
  const aspect = reader.u(4)
  const par = aspect === EXTENDED_PAR ? ([reader.u(8), reader.u(8)] as const) : PIXEL_ASPECTS[aspect]
  let lowDelay = objectType === SIMPLE_OBJECT
  if (reader.flag()) {
    reader.skip(2) // chroma_format
    lowDelay = reader.flag()
    if (reader.flag()) reader.skip(79) // vbv_parameters
  }
  if (reader.u(2) !== RECTANGULAR) throw new BitstreamError('MPEG-4 video object layer', 'has a shape')
  reader.skip(1) // marker_bit
  const resolution = reader.u(16) // vop_time_increment_resolution
  reader.skip(1) // marker_bit
  if (resolution === 0) throw new BitstreamError('MPEG-4 video object layer', 'has no time resolution')
  const incrementBits = Math.max(1, 32 - Math.clz32(resolution - 1))
  const increment = reader.flag() ? reader.u(incrementBits) : 0 // fixed_vop_rate, fixed_vop_time_increment
  reader.skip(1) // marker_bit
  const widthPixels = reader.u(13)
  reader.skip(1) // marker_bit
  const heightPixels = reader.u(13)
  if (widthPixels === 0 || heightPixels === 0) throw new BitstreamError('MPEG-4 video object layer', 'has no size')
  const pixelAspect = par?.[0] && par[1] ? { horizontal: par[0], vertical: par[1] } : undefined
  const rate = increment === 0 ? 0 : frameRate(resolution, increment)
  return { widthPixels, heightPixels, pixelAspect, frameRate: rate, hasBVops: !lowDelay }
}
