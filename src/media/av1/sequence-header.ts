import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { frameRate, UNSPECIFIED } from '../nal/vui.ts'
import type { ColorInfo } from '../track.ts'

const SELECT = 2
const MATRIX_IDENTITY = 0
const PRIMARIES_BT709 = 1
const TRANSFER_SRGB = 13

/** What Tapedeck needs of a sequence header OBU. AV1 specification §5.5. */
export interface Av1SequenceHeader {
  readonly profile: number
  readonly reducedStillPictureHeader: boolean
  /** seq_level_idx and seq_tier of operating point 0. */
  readonly levelIdx: number
  readonly highTier: boolean
  readonly bitDepth: number
  readonly monochrome: boolean
  readonly subsamplingX: number
  readonly subsamplingY: number
  readonly chromaSamplePosition: number
  readonly color: ColorInfo | undefined
  /** Largest picture of the sequence, in luma samples. */
  readonly widthPixels: number
  readonly heightPixels: number
  /** Pictures per second if the header promises equal intervals; else 0. */
  readonly frameRate: number
}

/**
 * Reads the payload of a sequence header OBU (without OBU header).
 * @throws {BitstreamError}
 */
export function parseAv1SequenceHeader(payload: Uint8Array): Av1SequenceHeader {
  const reader = new BitReader(payload, 'AV1 sequence header')
  const profile = reader.u(3)
  if (profile > 2) throw new BitstreamError('AV1 sequence header', `has the reserved profile ${profile}`)
  reader.skip(1) // still_picture
  const reducedStillPictureHeader = reader.flag()
  let rate = 0
  let levelIdx = 0
  let highTier = false
  if (reducedStillPictureHeader) levelIdx = reader.u(5)
  else ({ rate, levelIdx, highTier } = readOperatingPoints(reader))
  const widthBits = reader.u(4) + 1
  const heightBits = reader.u(4) + 1
  const widthPixels = reader.u(widthBits) + 1
  const heightPixels = reader.u(heightBits) + 1
  if (!reducedStillPictureHeader && reader.flag()) reader.skip(7) // delta_frame_id_length_minus_2, additional_…_minus_1
  reader.skip(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!reducedStillPictureHeader) skipTools(reader)
  reader.skip(3) // enable_superres, enable_cdef, enable_restoration
  const color = readColorConfig(reader, profile)
  return {
    profile,
    reducedStillPictureHeader,
    levelIdx,
    highTier,
    ...color,
    widthPixels,
    heightPixels,
    frameRate: rate,
  }
}

function readOperatingPoints(reader: BitReader): { rate: number; levelIdx: number; highTier: boolean } {
  let rate = 0
  let bufferDelayBits = 0
  let decoderModelInfo = false
  if (reader.flag()) {
    const unitsInDisplayTick = reader.u(32)
    const timeScale = reader.u(32)
    if (reader.flag()) rate = frameRate(timeScale, unitsInDisplayTick * (reader.ue() + 1)) // equal_picture_interval
    decoderModelInfo = reader.flag()
    if (decoderModelInfo) {
      bufferDelayBits = reader.u(5) + 1
      reader.skip(32 + 5 + 5) // num_units_in_decoding_tick, two lengths
    }
  }
  const initialDisplayDelay = reader.flag()
  const points = reader.u(5) + 1
  let levelIdx = 0
  let highTier = false
  for (let i = 0; i < points; i++) {
    reader.skip(12) // operating_point_idc
    const level = reader.u(5)
    const tier = level > 7 ? reader.flag() : false
    if (i === 0) {
      levelIdx = level
      highTier = tier
    }
    if (decoderModelInfo && reader.flag()) reader.skip(2 * bufferDelayBits + 1) // operating_parameters_info()
    if (initialDisplayDelay && reader.flag()) reader.skip(4)
  }
  return { rate, levelIdx, highTier }
}

function skipTools(reader: BitReader): void {
  reader.skip(4) // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
  const orderHint = reader.flag()
  if (orderHint) reader.skip(2) // enable_jnt_comp, enable_ref_frame_mvs
  const forceScreenContentTools = reader.flag() ? SELECT : reader.u(1)
  if (forceScreenContentTools > 0 && !reader.flag()) reader.skip(1) // seq_choose_integer_mv, seq_force_integer_mv
  if (orderHint) reader.skip(3) // order_hint_bits_minus_1
}

/** color_config(), §5.5.2. */
function readColorConfig(reader: BitReader, profile: number) {
  const highBitDepth = reader.flag()
  const twelveBit = profile === 2 && highBitDepth ? reader.flag() : false
  const bitDepth = twelveBit ? 12 : highBitDepth ? 10 : 8
  const monochrome = profile === 1 ? false : reader.flag()
  const described = reader.flag()
  const primaries = described ? reader.u(8) : UNSPECIFIED
  const transfer = described ? reader.u(8) : UNSPECIFIED
  const matrix = described ? reader.u(8) : UNSPECIFIED
  let fullRange: boolean
  let subsamplingX = 1
  let subsamplingY = 1
  let chromaSamplePosition = 0
  if (monochrome) {
    fullRange = reader.flag()
  } else if (primaries === PRIMARIES_BT709 && transfer === TRANSFER_SRGB && matrix === MATRIX_IDENTITY) {
    fullRange = true
    subsamplingX = 0
    subsamplingY = 0
  } else {
    fullRange = reader.flag()
    if (profile === 1) {
      subsamplingX = 0
      subsamplingY = 0
    } else if (profile === 2) {
      subsamplingX = bitDepth === 12 ? reader.u(1) : 1
      subsamplingY = bitDepth === 12 && subsamplingX === 1 ? reader.u(1) : 0
    }
    if (subsamplingX === 1 && subsamplingY === 1) chromaSamplePosition = reader.u(2)
  }
  const color = described || fullRange ? { primaries, transfer, matrix, fullRange } : undefined
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaSamplePosition, color }
}
