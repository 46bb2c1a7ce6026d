import { parseAvcC } from './h264/avcc.ts'
import { parseH264Sps } from './h264/sps.ts'
import { firstHevcUnit, parseHvcC } from './h265/hvcc.ts'
import { H265NalUnitType } from './h265/nal-unit-type.ts'
import { parseH265Sps } from './h265/sps.ts'
import { parseMpeg4Headers } from './mpeg4/headers.ts'
import type { TrackFormat } from './track.ts'

/** Where an H.264 stream does not say: B-pictures without a pyramid, which is what old encoders that don't say send. */
const UNTOLD_H264_DEPTH = 1

/**
 * How many pictures a track decodes at most before one that is shown earlier (max_num_reorder_frames of ITU-T H.264
 * §E.2.1, sps_max_num_reorder_pics of H.265 §7.4.3.2.1). 0 where pictures are shown as they are decoded.
 * @throws {CodecConfigurationError} @throws {BitstreamError}
 */
export function reorderDepth(format: TrackFormat): number {
  if (format.codec === 'h264') {
    const [sps] = parseAvcC(format.configuration).sps
    return sps === undefined ? 0 : (parseH264Sps(sps).maxReorderPictures ?? UNTOLD_H264_DEPTH)
  }
  if (format.codec === 'h265') {
    const sps = firstHevcUnit(parseHvcC(format.configuration), H265NalUnitType.sps)
    return sps === undefined ? 0 : parseH265Sps(sps).maxReorderPictures
  }
  if (format.codec === 'mpeg4' && format.configuration.length > 0) {
    // B-VOPs refer to the one shown next at most (ISO/IEC 14496-2 §6.3.3, low_delay).
    return parseMpeg4Headers(format.configuration).hasBVops ? 1 : 0
  }
  return 0
}
