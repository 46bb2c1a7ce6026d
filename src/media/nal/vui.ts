import type { BitReader } from '../bits.ts'
import type { ColorInfo } from '../track.ts'

/** Code point for "not specified" in all three tables of ITU-T H.273. */
export const UNSPECIFIED = 2

/** Faster is a field-counting mistake or a stand-in for "variable" (x264 writes its timebase), not a picture rate. */
const MAX_PLAUSIBLE_FRAME_RATE = 300

/** What H.264 and H.265 say alike in their video usability information. */
export interface Vui {
  readonly pixelAspect: { readonly horizontal: number; readonly vertical: number } | undefined
  readonly color: ColorInfo | undefined
  /** Pictures per second, 0 when absent or implausible. */
  readonly frameRate: number
  /** Pictures that may precede another in decoding order and follow it in output order; undefined when not stated. */
  readonly maxReorderPictures: number | undefined
}

/** aspect_ratio_idc 1 to 16. ITU-T H.264 table E-1, H.265 table E.1. */
const SAMPLE_ASPECT_RATIOS: readonly (readonly [number, number])[] = [
  [1, 1],
  [12, 11],
  [10, 11],
  [16, 11],
  [40, 33],
  [24, 11],
  [20, 11],
  [32, 11],
  [80, 33],
  [18, 11],
  [15, 11],
  [64, 33],
  [160, 99],
  [4, 3],
  [3, 2],
  [2, 1],
]
const EXTENDED_SAR = 255

/** aspect_ratio_info_present_flag to overscan_appropriate_flag. H.264 §E.1.1, H.265 §E.2.1. */
export function readAspectRatio(reader: BitReader): Vui['pixelAspect'] {
  let pixelAspect: Vui['pixelAspect']
  if (reader.flag()) {
    const idc = reader.u(8) // aspect_ratio_idc
    if (idc === EXTENDED_SAR) {
      const horizontal = reader.u(16) // sar_width
      const vertical = reader.u(16) // sar_height
      if (horizontal > 0 && vertical > 0) pixelAspect = { horizontal, vertical }
    } else {
      const ratio = SAMPLE_ASPECT_RATIOS[idc - 1]
      if (ratio !== undefined) pixelAspect = { horizontal: ratio[0], vertical: ratio[1] }
    }
  }
  if (reader.flag()) reader.skip(1) // overscan_info_present_flag, overscan_appropriate_flag
  return pixelAspect
}

/** video_signal_type_present_flag to chroma_sample_loc_type_bottom_field. H.264 §E.1.1, H.265 §E.2.1. */
export function readVideoSignalType(reader: BitReader): ColorInfo | undefined {
  let color: ColorInfo | undefined
  if (reader.flag()) {
    reader.skip(3) // video_format
    const fullRange = reader.flag()
    if (reader.flag()) {
      color = { primaries: reader.u(8), transfer: reader.u(8), matrix: reader.u(8), fullRange }
    } else if (fullRange) {
      color = { primaries: UNSPECIFIED, transfer: UNSPECIFIED, matrix: UNSPECIFIED, fullRange }
    }
  }
  if (reader.flag()) {
    reader.ue() // chroma_sample_loc_type_top_field
    reader.ue() // chroma_sample_loc_type_bottom_field
  }
  return color
}

/** Pictures per second from clock ticks; 0 when the numbers can't be a picture rate. */
export function frameRate(timeScale: number, unitsPerPicture: number): number {
  if (unitsPerPicture === 0) return 0
  const rate = timeScale / unitsPerPicture
  return rate <= MAX_PLAUSIBLE_FRAME_RATE ? rate : 0
}
