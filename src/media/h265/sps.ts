import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { removeEmulationPrevention } from '../nal/emulation-prevention.ts'
import { frameRate, readAspectRatio, readVideoSignalType, type Vui } from '../nal/vui.ts'
import { H265NalUnitType, h265NalUnitType } from './nal-unit-type.ts'
import { type ProfileTierLevel, readProfileTierLevel } from './profile-tier-level.ts'

/** Level 6.2: √(8 × 35,651,584) luma samples on a side, ITU-T H.265 §A.4.1; rounded up generously. */
const MAX_SIDE_PIXELS = 32_768
const MAX_SHORT_TERM_SETS = 64
const MAX_DELTA_POCS = 16

export interface H265Sps {
  readonly profileTierLevel: ProfileTierLevel
  readonly maxSubLayers: number
  readonly temporalIdNesting: boolean
  readonly chromaFormatIdc: number
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
  /** After the conformance window, in luma samples. */
  readonly widthPixels: number
  readonly heightPixels: number
  /** How many pictures output order may lag decoding order (highest sub-layer). */
  readonly maxReorderPictures: number
  readonly vui: Vui | undefined
}

/**
 * Reads a sequence parameter set NAL unit (with its 2-byte header). ITU-T H.265 §7.3.2.2. What follows the sizes and
 * ends early is ignored, since only hints are there.
 * @throws {BitstreamError}
 */
export function parseH265Sps(nalUnit: Uint8Array): H265Sps {
  if (h265NalUnitType(nalUnit[0] ?? 0) !== H265NalUnitType.sps)
    throw new BitstreamError('H.265 SPS', 'has another type')
  const reader = new BitReader(removeEmulationPrevention(nalUnit), 'H.265 SPS')
  reader.skip(16) // NAL unit header
  reader.skip(4) // sps_video_parameter_set_id
  const maxSubLayersMinus1 = reader.u(3)
  if (maxSubLayersMinus1 > 6) throw new BitstreamError('H.265 SPS', 'has more than 7 sub-layers')
  const temporalIdNesting = reader.flag()
  const profileTierLevel = readProfileTierLevel(reader, maxSubLayersMinus1)
  reader.ueUpTo(15, 'sps_seq_parameter_set_id')
  const chromaFormatIdc = reader.ueUpTo(3, 'chroma_format_idc')
  if (chromaFormatIdc === 3) reader.skip(1) // separate_colour_plane_flag
  const codedWidth = reader.ueUpTo(MAX_SIDE_PIXELS, 'pic_width_in_luma_samples')
  const codedHeight = reader.ueUpTo(MAX_SIDE_PIXELS, 'pic_height_in_luma_samples')
  const window = reader.flag() ? [reader.ue(), reader.ue(), reader.ue(), reader.ue()] : [0, 0, 0, 0]
  const [left = 0, right = 0, top = 0, bottom = 0] = window
  const widthPixels = codedWidth - (left + right) * (chromaFormatIdc === 1 || chromaFormatIdc === 2 ? 2 : 1)
  const heightPixels = codedHeight - (top + bottom) * (chromaFormatIdc === 1 ? 2 : 1)
  if (widthPixels <= 0 || heightPixels <= 0) throw new BitstreamError('H.265 SPS', 'crops the whole picture away')
  const bitDepthLuma = reader.ueUpTo(8, 'bit_depth_luma_minus8') + 8
  const bitDepthChroma = reader.ueUpTo(8, 'bit_depth_chroma_minus8') + 8
  const pocLsbBits = reader.ueUpTo(12, 'log2_max_pic_order_cnt_lsb_minus4') + 4
  let maxReorderPictures = 0
  for (let i = reader.flag() ? 0 : maxSubLayersMinus1; i <= maxSubLayersMinus1; i++) {
    reader.ue() // sps_max_dec_pic_buffering_minus1
    maxReorderPictures = reader.ueUpTo(16, 'sps_max_num_reorder_pics')
    reader.ue() // sps_max_latency_increase_plus1
  }
  return {
    profileTierLevel,
    maxSubLayers: maxSubLayersMinus1 + 1,
    temporalIdNesting,
    chromaFormatIdc,
    bitDepthLuma,
    bitDepthChroma,
    widthPixels,
    heightPixels,
    maxReorderPictures,
    vui: readToVui(reader, pocLsbBits, maxReorderPictures),
  }
}

function readToVui(reader: BitReader, pocLsbBits: number, maxReorderPictures: number): Vui | undefined {
  try {
    for (let i = 0; i < 6; i++) reader.ue() // log2_min_luma_coding_block_size_minus3 … max_transform_hierarchy_depth_intra
    if (reader.flag() && reader.flag()) skipScalingListData(reader)
    reader.skip(2) // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if (reader.flag()) {
      reader.skip(8) // pcm_sample_bit_depth_luma_minus1, pcm_sample_bit_depth_chroma_minus1
      reader.ue() // log2_min_pcm_luma_coding_block_size_minus3
      reader.ue() // log2_diff_max_min_pcm_luma_coding_block_size
      reader.skip(1) // pcm_loop_filter_disabled_flag
    }
    skipShortTermReferencePictureSets(reader)
    if (reader.flag()) {
      const pictures = reader.ueUpTo(32, 'num_long_term_ref_pics_sps')
      reader.skip(pictures * (pocLsbBits + 1)) // lt_ref_pic_poc_lsb_sps, used_by_curr_pic_lt_sps_flag
    }
    reader.skip(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    return reader.flag() ? readVui(reader, maxReorderPictures) : undefined
  } catch (error) {
    if (error instanceof BitstreamError) return undefined
    throw error
  }
}

/** scaling_list_data(), §7.3.4. */
function skipScalingListData(reader: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId++) {
    for (let matrixId = 0; matrixId < 6; matrixId += sizeId === 3 ? 3 : 1) {
      if (!reader.flag()) {
        reader.ue() // scaling_list_pred_matrix_id_delta
        continue
      }
      if (sizeId > 1) reader.se() // scaling_list_dc_coef_minus8
      const coefficients = Math.min(64, 1 << (4 + (sizeId << 1)))
      for (let i = 0; i < coefficients; i++) reader.se() // scaling_list_delta_coef
    }
  }
}

/** st_ref_pic_set() for each set of the SPS, §7.3.7. */
function skipShortTermReferencePictureSets(reader: BitReader): void {
  const sets = reader.ueUpTo(MAX_SHORT_TERM_SETS, 'num_short_term_ref_pic_sets')
  let deltaPocs = 0 // NumDeltaPocs of the set before
  for (let i = 0; i < sets; i++) {
    if (i > 0 && reader.flag()) {
      reader.skip(1) // delta_rps_sign
      reader.ue() // abs_delta_rps_minus1
      let kept = 0
      for (let j = 0; j <= deltaPocs; j++) if (reader.flag() || reader.flag()) kept++ // used_by_curr_pic_flag, use_delta_flag
      deltaPocs = kept
    } else {
      const negative = reader.ueUpTo(MAX_DELTA_POCS, 'num_negative_pics')
      deltaPocs = negative + reader.ueUpTo(MAX_DELTA_POCS, 'num_positive_pics')
      for (let j = 0; j < deltaPocs; j++) {
        reader.ue() // delta_poc_minus1
        reader.skip(1) // used_by_curr_pic_flag
      }
    }
  }
}

/** vui_parameters() up to its timing, §E.2.1. */
function readVui(reader: BitReader, maxReorderPictures: number): Vui {
  const pixelAspect = readAspectRatio(reader)
  const color = readVideoSignalType(reader)
  reader.skip(3) // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
  if (reader.flag()) for (let i = 0; i < 4; i++) reader.ue() // def_disp_win_*_offset
  let rate = 0
  if (reader.flag()) {
    const unitsInTick = reader.u(32) // vui_num_units_in_tick
    rate = frameRate(reader.u(32), unitsInTick)
  }
  return { pixelAspect, color, frameRate: rate, maxReorderPictures }
}
