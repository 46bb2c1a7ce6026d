import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { removeEmulationPrevention } from '../nal/emulation-prevention.ts'
import { frameRate, readAspectRatio, readVideoSignalType, type Vui } from '../nal/vui.ts'
import { H264NalUnitType, h264NalUnitType } from './nal-unit-type.ts'

/** Profiles whose SPS carries the chroma and bit depth fields. ITU-T H.264 §7.3.2.1.1. */
const PROFILES_WITH_CHROMA_INFO = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135])

/** Level 6.2 allows 139,264 macroblocks; the widest legal picture has √(8 × that) of them on a side. */
const MAX_MACROBLOCKS_A_SIDE = 1056

export interface H264Sps {
  readonly profileIdc: number
  /** constraint_set0_flag (most significant bit) to constraint_set5_flag and two zero bits. */
  readonly constraintFlags: number
  readonly levelIdc: number
  readonly chromaFormatIdc: number
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
  /** After cropping, in luma samples. */
  readonly widthPixels: number
  readonly heightPixels: number
  readonly picOrderCntType: number
  readonly interlaced: boolean
  readonly vui: Vui | undefined
  /** How many pictures output order may lag decoding order; undefined when the stream doesn't bound it. */
  readonly maxReorderPictures: number | undefined
}

/**
 * Reads a sequence parameter set NAL unit (with its header byte). ITU-T H.264 §7.3.2.1.1. A VUI that ends early is
 * ignored, as decoders do: it holds hints only.
 * @throws {BitstreamError}
 */
export function parseH264Sps(nalUnit: Uint8Array): H264Sps {
  if (h264NalUnitType(nalUnit[0] ?? 0) !== H264NalUnitType.sps)
    throw new BitstreamError('H.264 SPS', 'has another type')
  const reader = new BitReader(removeEmulationPrevention(nalUnit), 'H.264 SPS')
  reader.skip(8) // NAL unit header
  const profileIdc = reader.u(8)
  const constraintFlags = reader.u(8)
  const levelIdc = reader.u(8)
  reader.ueUpTo(31, 'seq_parameter_set_id')
  const chroma = PROFILES_WITH_CHROMA_INFO.has(profileIdc) ? readChromaInfo(reader) : DEFAULT_CHROMA
  reader.ueUpTo(12, 'log2_max_frame_num_minus4')
  const picOrderCntType = reader.ueUpTo(2, 'pic_order_cnt_type')
  if (picOrderCntType === 0) reader.ueUpTo(12, 'log2_max_pic_order_cnt_lsb_minus4')
  else if (picOrderCntType === 1) skipPicOrderCntCycle(reader)
  reader.ueUpTo(16, 'max_num_ref_frames')
  reader.skip(1) // gaps_in_frame_num_value_allowed_flag
  const widthInMbs = reader.ueUpTo(MAX_MACROBLOCKS_A_SIDE, 'pic_width_in_mbs_minus1') + 1
  const heightInMapUnits = reader.ueUpTo(MAX_MACROBLOCKS_A_SIDE, 'pic_height_in_map_units_minus1') + 1
  const frameMbsOnly = reader.flag()
  if (!frameMbsOnly) reader.skip(1) // mb_adaptive_frame_field_flag
  reader.skip(1) // direct_8x8_inference_flag
  const crop = reader.flag() ? [reader.ue(), reader.ue(), reader.ue(), reader.ue()] : [0, 0, 0, 0]
  const [left = 0, right = 0, top = 0, bottom = 0] = crop

  // CropUnitX, CropUnitY: equations 7-19 to 7-22.
  const cropUnitX = chroma.chromaFormatIdc === 1 || chroma.chromaFormatIdc === 2 ? 2 : 1
  const fieldFactor = frameMbsOnly ? 1 : 2
  const cropUnitY = (chroma.chromaFormatIdc === 1 ? 2 : 1) * fieldFactor
  const widthPixels = widthInMbs * 16 - (left + right) * cropUnitX
  const heightPixels = heightInMapUnits * 16 * fieldFactor - (top + bottom) * cropUnitY
  if (widthPixels <= 0 || heightPixels <= 0) throw new BitstreamError('H.264 SPS', 'crops the whole picture away')

  const vui = readVui(reader)
  return {
    profileIdc,
    constraintFlags,
    levelIdc,
    chromaFormatIdc: chroma.chromaFormatIdc,
    bitDepthLuma: chroma.bitDepthLuma,
    bitDepthChroma: chroma.bitDepthChroma,
    widthPixels,
    heightPixels,
    picOrderCntType,
    interlaced: !frameMbsOnly,
    vui,
    maxReorderPictures: neverReorders(profileIdc, constraintFlags, picOrderCntType) ? 0 : vui?.maxReorderPictures,
  }
}

/** Baseline has no B slices; POC type 2 means output order is decoding order (§8.2.1.3); intra profiles (§A.3) predict nothing. */
function neverReorders(profileIdc: number, constraintFlags: number, picOrderCntType: number): boolean {
  const constraintSet3 = (constraintFlags & 0x10) !== 0
  const intraOnly = profileIdc === 44 || (constraintSet3 && [100, 110, 122, 244].includes(profileIdc))
  return profileIdc === 66 || picOrderCntType === 2 || intraOnly
}

const DEFAULT_CHROMA = { chromaFormatIdc: 1, bitDepthLuma: 8, bitDepthChroma: 8 }

function readChromaInfo(reader: BitReader): typeof DEFAULT_CHROMA {
  const chromaFormatIdc = reader.ueUpTo(3, 'chroma_format_idc')
  const scalingLists = chromaFormatIdc === 3 ? 12 : 8
  if (chromaFormatIdc === 3) reader.skip(1) // separate_colour_plane_flag
  const bitDepthLuma = reader.ueUpTo(6, 'bit_depth_luma_minus8') + 8
  const bitDepthChroma = reader.ueUpTo(6, 'bit_depth_chroma_minus8') + 8
  reader.skip(1) // qpprime_y_zero_transform_bypass_flag
  if (reader.flag()) {
    for (let i = 0; i < scalingLists; i++) if (reader.flag()) skipScalingList(reader, i < 6 ? 16 : 64)
  }
  return { chromaFormatIdc, bitDepthLuma, bitDepthChroma }
}

/** scaling_list(), §7.3.2.1.1.1. */
function skipScalingList(reader: BitReader, size: number): void {
  let last = 8
  let next = 8
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + reader.se() + 256) % 256
    last = next === 0 ? last : next
  }
}

function skipPicOrderCntCycle(reader: BitReader): void {
  reader.skip(1) // delta_pic_order_always_zero_flag
  reader.se() // offset_for_non_ref_pic
  reader.se() // offset_for_top_to_bottom_field
  const entries = reader.ueUpTo(255, 'num_ref_frames_in_pic_order_cnt_cycle')
  for (let i = 0; i < entries; i++) reader.se() // offset_for_ref_frame
}

/** vui_parameters(), §E.1.1. */
function readVui(reader: BitReader): Vui | undefined {
  try {
    if (!reader.flag()) return undefined
    const pixelAspect = readAspectRatio(reader)
    const color = readVideoSignalType(reader)
    let rate = 0
    if (reader.flag()) {
      const unitsInTick = reader.u(32) // num_units_in_tick
      const timeScale = reader.u(32)
      reader.skip(1) // fixed_frame_rate_flag
      rate = frameRate(timeScale, 2 * unitsInTick) // a tick is a field, equation E-1
    }
    return { pixelAspect, color, frameRate: rate, maxReorderPictures: readMaxReorder(reader) }
  } catch (error) {
    if (error instanceof BitstreamError) return undefined
    throw error
  }
}

function readMaxReorder(reader: BitReader): number | undefined {
  const nal = reader.flag()
  if (nal) skipHrd(reader)
  const vcl = reader.flag()
  if (vcl) skipHrd(reader)
  if (nal || vcl) reader.skip(1) // low_delay_hrd_flag
  reader.skip(1) // pic_struct_present_flag
  if (!reader.flag()) return undefined // bitstream_restriction_flag
  reader.skip(1) // motion_vectors_over_pic_boundaries_flag
  for (let i = 0; i < 4; i++) reader.ue() // max_bytes_per_pic_denom … log2_max_mv_length_vertical
  return reader.ueUpTo(16, 'max_num_reorder_frames')
}

/** hrd_parameters(), §E.1.2. */
function skipHrd(reader: BitReader): void {
  const schedules = reader.ueUpTo(31, 'cpb_cnt_minus1') + 1
  reader.skip(8) // bit_rate_scale, cpb_size_scale
  for (let i = 0; i < schedules; i++) {
    reader.ue() // bit_rate_value_minus1
    reader.ue() // cpb_size_value_minus1
    reader.skip(1) // cbr_flag
  }
  reader.skip(20) // four delay and offset lengths
}
