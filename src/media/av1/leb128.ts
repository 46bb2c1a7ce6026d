import { BitstreamError } from '../errors.ts'

/** AV1 limits a leb128 value to 32 bits in at most 8 bytes, §4.10.5. */
const MAX_LEB128_BYTES = 8

/**
 * Reads an unsigned leb128 at `position`. AV1 specification §4.10.5.
 * @throws {BitstreamError}
 */
export function readLeb128(bytes: Uint8Array, position: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let i = 0; i < MAX_LEB128_BYTES; i++) {
    const byte = bytes[position + i]
    if (byte === undefined) throw new BitstreamError('AV1 leb128', 'ends early')
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (value > 0xffff_ffff) throw new BitstreamError('AV1 leb128', 'exceeds 32 bits')
    if ((byte & 0x80) === 0) return { value, end: position + i + 1 }
  }
  throw new BitstreamError('AV1 leb128', `is longer than ${MAX_LEB128_BYTES} bytes`)
}

/** Shortest form of an unsigned integer below 2^32. */
export function leb128(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest >= 128
    bytes.push((rest % 128) | (more ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Uint8Array.from(bytes)
}
