import { BitstreamError } from '../errors.ts'
import type { ColorInfo } from '../track.ts'
import { parseVp9FrameHeader } from './frame-header.ts'
import { vp9Level } from './level.ts'
import { buildVpcC } from './vpcc.ts'

/** What only a VP8 or VP9 key frame tells: vpcC has no size. */
export interface VpKeyFrame {
  readonly configuration: Uint8Array
  readonly widthPixels: number
  readonly heightPixels: number
  readonly color: ColorInfo
}

/**
 * Makes the vpcC body and the size from a key frame.
 * @param frameRateHint for the level; 0 when unknown
 * @throws {BitstreamError} not a key frame
 */
export function vp9FromKeyFrame(payload: Uint8Array, frameRateHint: number): VpKeyFrame {
  const header = parseVp9FrameHeader(payload)
  if (header.kind !== 'key') throw new BitstreamError('VP9 frame header', 'is not that of a key frame')
  const { profile, widthPixels, heightPixels, bitDepth, subsamplingX, subsamplingY, color } = header
  const level = vp9Level(widthPixels, heightPixels, frameRateHint)
  // 4:4:0 has no code point: 4:4:4 comes nearest, and decoders go by the frame header. VP9 doesn't site chroma: colocated.
  const chromaSubsampling = subsamplingX === 0 ? 3 : subsamplingY === 0 ? 2 : 1
  const configuration = buildVpcC({ profile, level, bitDepth, chromaSubsampling, color })
  return { configuration, widthPixels, heightPixels, color }
}
