import { concatBytes } from '#media/bytes.ts'
import { Id } from './ids.ts'

/** Length of a size field that has room for everything: also the one whose value may be written later. */
export const LARGE_SIZE_BYTES = 8

/** A Void element's id and its large size. */
export const VOID_HEADER_BYTES = 1 + LARGE_SIZE_BYTES

/** The large size field of an element that goes on as long as its file does. RFC 8794 §6.2. */
const UNKNOWN_SIZE = Uint8Array.of(0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

/** Bytes of the shortest size field for this content. RFC 8794 §6. */
export function sizeBytes(contentBytes: number): number {
  let bytes = 1
  // All ones means unknown, so the largest value of each length is not one.
  while (contentBytes >= 2 ** (7 * bytes) - 1) bytes++
  return bytes
}

/** Writes a variable-size integer of this length: sizes, and track numbers in blocks. RFC 8794 §4. @returns its end */
export function writeVint(out: Uint8Array, at: number, value: number, bytes: number): number {
  let rest = value
  for (let i = at + bytes - 1; i >= at; i--) {
    out[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  out[at] = (out[at] ?? 0) | (0x80 >> (bytes - 1))
  return at + bytes
}

/** An element with what is in it, in one array. */
export function element(id: number, ...content: readonly Uint8Array[]): Uint8Array {
  const contentBytes = content.reduce((sum, piece) => sum + piece.length, 0)
  return concatBytes([idBytes(id), vint(contentBytes, sizeBytes(contentBytes)), ...content])
}

/** Id and size of an element whose content is written elsewhere. @param contentBytes undefined: unknown */
export function largeHeader(id: number, contentBytes: number | undefined): Uint8Array {
  const size = contentBytes === undefined ? UNKNOWN_SIZE : vint(contentBytes, LARGE_SIZE_BYTES)
  return concatBytes([idBytes(id), size])
}

/** An unsigned integer in the fewest bytes. RFC 8794 §7.2. */
export function uint(id: number, value: number): Uint8Array {
  let bytes = 1
  while (value >= 2 ** (8 * bytes)) bytes++
  return element(id, fixed(value, bytes))
}

/** An unsigned integer of eight bytes, so that the element's size does not depend on its value. */
export function uint64(id: number, value: number): Uint8Array {
  return element(id, fixed(value, 8))
}

/** A double. RFC 8794 §7.3. */
export function float(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return element(id, bytes)
}

/** Printable ASCII or UTF-8. RFC 8794 §7.4 and §7.5. */
export function text(id: number, value: string): Uint8Array {
  return element(id, new TextEncoder().encode(value))
}

/** Milliseconds since 1970 UTC as nanoseconds since 2001. RFC 8794 §7.6. */
export function date(id: number, timeMs: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const since2001Ms = BigInt(Math.round(timeMs)) - BigInt(Date.UTC(2001, 0))
  new DataView(bytes.buffer).setBigInt64(0, since2001Ms * 1_000_000n)
  return element(id, bytes)
}

/** The id as bytes of its own, as SeekID holds it. */
export function idBytes(id: number): Uint8Array {
  return fixed(id, id > 0xff_ffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1)
}

/** The header of a Void element that, header included, takes so many bytes: at least VOID_HEADER_BYTES. */
export function voidHeader(totalBytes: number): Uint8Array {
  return largeHeader(Id.void, totalBytes - VOID_HEADER_BYTES)
}

function vint(value: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes)
  writeVint(out, 0, value, bytes)
  return out
}

function fixed(value: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes)
  for (let i = bytes - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out
}
