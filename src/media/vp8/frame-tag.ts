import { BitstreamError } from '../errors.ts'

const START_CODE = [0x9d, 0x01, 0x2a] as const
const KEY_FRAME_HEADER_BYTES = 10

/** Start of a VP8 frame; the size only where it is a key frame. RFC 6386 §9.1. */
export type Vp8FrameTag =
  | { readonly kind: 'inter'; readonly version: number }
  | { readonly kind: 'key'; readonly version: number; readonly widthPixels: number; readonly heightPixels: number }

/** @throws {BitstreamError} */
export function parseVp8FrameTag(frame: Uint8Array): Vp8FrameTag {
  const tag = frame[0]
  if (frame.length < 3 || tag === undefined) throw new BitstreamError('VP8 frame tag', 'ends early')
  const version = (tag >> 1) & 7
  if ((tag & 1) !== 0) return { kind: 'inter', version }
  if (frame.length < KEY_FRAME_HEADER_BYTES) throw new BitstreamError('VP8 frame tag', 'ends early')
  if (START_CODE.some((byte, i) => frame[3 + i] !== byte))
    throw new BitstreamError('VP8 frame tag', 'lacks its start code')
  // 14 bits of size and 2 of scaling, which only asks the player to enlarge.
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const widthPixels = view.getUint16(6, true) & 0x3fff
  const heightPixels = view.getUint16(8, true) & 0x3fff
  if (widthPixels === 0 || heightPixels === 0) throw new BitstreamError('VP8 frame tag', 'has an empty picture')
  return { kind: 'key', version, widthPixels, heightPixels }
}

/** True when decoding may start here. A payload that isn't VP8 gives false. */
export function isVp8RandomAccess(payload: Uint8Array): boolean {
  try {
    return parseVp8FrameTag(payload).kind === 'key'
  } catch (error) {
    if (error instanceof BitstreamError) return false
    throw error
  }
}
