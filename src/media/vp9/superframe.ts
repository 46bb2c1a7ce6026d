import { BitstreamError } from '../errors.ts'

/**
 * The frames of a payload, borrowed: those its superframe index lists, or the payload itself. VP9 bitstream
 * specification annex B.
 * @throws {BitstreamError} the index lists more bytes than there are
 */
export function vp9Frames(payload: Uint8Array): Uint8Array[] {
  const marker = payload.at(-1) ?? 0
  if (marker >> 5 !== 0b110) return [payload]
  const count = (marker & 7) + 1
  const sizeBytes = ((marker >> 3) & 3) + 1
  const indexStart = payload.length - (2 + count * sizeBytes)
  if (indexStart < 0 || payload[indexStart] !== marker) return [payload] // an ordinary frame that ends like a marker
  const frames: Uint8Array[] = []
  let position = 0
  for (let i = 0; i < count; i++) {
    let bytes = 0
    for (let j = sizeBytes - 1; j >= 0; j--) bytes = bytes * 256 + (payload[indexStart + 1 + i * sizeBytes + j] ?? 0)
    if (position + bytes > indexStart) throw new BitstreamError('VP9 superframe', 'has an index beyond its end')
    frames.push(payload.subarray(position, position + bytes))
    position += bytes
  }
  return frames
}
