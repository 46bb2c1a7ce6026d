import { BitstreamError } from '../errors.ts'
import { UNSPECIFIED } from '../nal/vui.ts'
import type { VpKeyFrame } from '../vp9/from-key-frame.ts'
import { buildVpcC } from '../vp9/vpcc.ts'
import { parseVp8FrameTag } from './frame-tag.ts'

/** RFC 6386 §9.2 defines BT.601 as the only colour space, but says nothing of primaries and transfer. */
const COLOR = { primaries: UNSPECIFIED, transfer: UNSPECIFIED, matrix: 6, fullRange: false }

/**
 * Makes the vpcC body (for MP4's `vp08`) and the size from a key frame. VP8 has no levels: 0 says unknown.
 * @throws {BitstreamError} not a key frame
 */
export function vp8FromKeyFrame(payload: Uint8Array): VpKeyFrame {
  const tag = parseVp8FrameTag(payload)
  if (tag.kind !== 'key') throw new BitstreamError('VP8 frame tag', 'is not that of a key frame')
  const { version, widthPixels, heightPixels } = tag
  if (version > 3) throw new BitstreamError('VP8 frame tag', `has the reserved version ${version}`)
  const configuration = buildVpcC({ profile: version, level: 0, bitDepth: 8, chromaSubsampling: 1, color: COLOR })
  return { configuration, widthPixels, heightPixels, color: COLOR }
}
