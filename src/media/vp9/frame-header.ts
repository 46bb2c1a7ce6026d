import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { UNSPECIFIED } from '../nal/vui.ts'
import type { ColorInfo } from '../track.ts'

const FRAME_MARKER = 2
const SYNC_CODE = 0x49_83_42
const COLOR_SPACE_RGB = 7

/** H.273 primaries, transfer and matrix of color_space 0 to 7. VP9 bitstream specification §7.2.2; BT.2020 leaves the transfer open. */
const COLOR_SPACES: readonly (readonly [number, number, number])[] = [
  [UNSPECIFIED, UNSPECIFIED, UNSPECIFIED],
  [5, 6, 5], // BT.601
  [1, 1, 1], // BT.709
  [6, 6, 6], // SMPTE 170M
  [7, 7, 7], // SMPTE 240M
  [9, UNSPECIFIED, 9], // BT.2020
  [UNSPECIFIED, UNSPECIFIED, UNSPECIFIED], // reserved
  [1, 13, 0], // sRGB
]

/** Start of a VP9 frame; the picture's description only where it is a key frame. */
export type Vp9FrameHeader =
  | { readonly kind: 'inter' | 'repeat'; readonly profile: number }
  | ({ readonly kind: 'key'; readonly profile: number } & Vp9Picture)

export interface Vp9Picture {
  readonly widthPixels: number
  readonly heightPixels: number
  readonly bitDepth: number
  readonly subsamplingX: number
  readonly subsamplingY: number
  readonly color: ColorInfo
}

/**
 * Reads uncompressed_header() of a frame, or of the first frame of a superframe (which decides random access). VP9
 * bitstream specification §6.2.
 * @throws {BitstreamError}
 */
export function parseVp9FrameHeader(frame: Uint8Array): Vp9FrameHeader {
  const reader = new BitReader(frame, 'VP9 frame header')
  if (reader.u(2) !== FRAME_MARKER) throw new BitstreamError('VP9 frame header', 'lacks its frame marker')
  const profile = reader.u(1) + 2 * reader.u(1) // profile_low_bit, profile_high_bit
  if (profile === 3) reader.skip(1) // reserved_zero
  if (reader.flag()) return { kind: 'repeat', profile } // show_existing_frame
  const isKeyFrame = !reader.flag() // frame_type
  reader.skip(2) // show_frame, error_resilient_mode
  if (!isKeyFrame) return { kind: 'inter', profile }
  if (reader.u(24) !== SYNC_CODE) throw new BitstreamError('VP9 frame header', 'lacks its sync code')
  const color = readColorConfig(reader, profile)
  const widthPixels = reader.u(16) + 1
  const heightPixels = reader.u(16) + 1
  return { kind: 'key', profile, widthPixels, heightPixels, ...color }
}

/** color_config(), §6.2.2. */
function readColorConfig(reader: BitReader, profile: number) {
  const bitDepth = profile < 2 ? 8 : reader.flag() ? 12 : 10
  const colorSpace = reader.u(3)
  const oddProfile = profile % 2 === 1
  const [primaries, transfer, matrix] = COLOR_SPACES[colorSpace] ?? [UNSPECIFIED, UNSPECIFIED, UNSPECIFIED]
  if (colorSpace === COLOR_SPACE_RGB) {
    if (!oddProfile) throw new BitstreamError('VP9 frame header', `has RGB in profile ${profile}`)
    reader.skip(1) // reserved_zero
    return { bitDepth, subsamplingX: 0, subsamplingY: 0, color: { primaries, transfer, matrix, fullRange: true } }
  }
  const fullRange = reader.flag()
  const subsamplingX = oddProfile ? reader.u(1) : 1
  const subsamplingY = oddProfile ? reader.u(1) : 1
  if (oddProfile) reader.skip(1) // reserved_zero
  return { bitDepth, subsamplingX, subsamplingY, color: { primaries, transfer, matrix, fullRange } }
}

/** True when decoding may start here. A payload that isn't VP9 gives false. */
export function isVp9RandomAccess(payload: Uint8Array): boolean {
  try {
    return parseVp9FrameHeader(payload).kind === 'key'
  } catch (error) {
    if (error instanceof BitstreamError) return false
    throw error
  }
}
