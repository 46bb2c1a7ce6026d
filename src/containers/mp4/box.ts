/** A box, or fields inside one, as pieces not yet joined: tables of megabytes are copied once, when serialized. */
export interface Bytes {
  readonly length: number
  readonly pieces: readonly Uint8Array[]
}

/** Largest value of a 32-bit field: beyond it version 1 of a box, co64, or largesize is used. */
export const UINT32_MAX = 0xffff_ffff

const asBytes = (part: Bytes | Uint8Array): Bytes =>
  part instanceof Uint8Array ? { length: part.length, pieces: [part] } : part

export function join(parts: readonly (Bytes | Uint8Array)[]): Bytes {
  const pieces: Uint8Array[] = []
  let length = 0
  for (const part of parts) {
    const bytes = asBytes(part)
    length += bytes.length
    for (const piece of bytes.pieces) pieces.push(piece)
  }
  return { length, pieces }
}

/** ISO/IEC 14496-12 §4.2: size and type, then the content. Compact size: our boxes in memory stay far below 4 GiB. */
export function box(type: string, content: readonly (Bytes | Uint8Array)[]): Bytes {
  const body = join(content)
  return join([boxHeader(type, 8 + body.length), body])
}

/** FullBox, §4.2: adds an 8-bit version and 24-bit flags. */
export function fullBox(type: string, version: number, flags: number, content: readonly (Bytes | Uint8Array)[]): Bytes {
  return box(type, [u32(version * 0x100_0000 + flags), ...content])
}

/** Size and type alone, for boxes whose content is elsewhere. */
export function boxHeader(type: string, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setUint32(0, sizeBytes)
  bytes.set(ascii(type), 4)
  return bytes
}

/** Header with size 1 and a 64-bit largesize, §4.2. */
export function largeBoxHeader(type: string, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 1)
  bytes.set(ascii(type), 4)
  view.setBigUint64(8, BigInt(sizeBytes))
  return bytes
}

export function serialize(bytes: Bytes): Uint8Array {
  const whole = new Uint8Array(bytes.length)
  let at = 0
  for (const piece of bytes.pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

export const u8 = (...values: number[]): Uint8Array => Uint8Array.from(values)

export function u16(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(2 * values.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) view.setUint16(2 * i, values[i] ?? 0)
  return bytes
}

/** Also for negative values, which are stored in two's complement. */
export function u32(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) view.setUint32(4 * i, values[i] ?? 0)
  return bytes
}

export function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(Math.round(value)))
  return bytes
}

export const fixed16_16 = (value: number): Uint8Array => u32(Math.round(value * 0x1_0000))

export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
