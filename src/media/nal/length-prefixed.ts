import { BitstreamError } from '../errors.ts'

/**
 * Where the NAL unit whose length prefix stands at `position` ends. The unit begins `lengthSize` bytes after
 * `position`; a length of 0 gives an empty unit, which readers skip. ISO/IEC 14496-15 §5.3.2.
 * @throws {BitstreamError} it would reach past the end
 */
export function lengthPrefixedEnd(payload: Uint8Array, position: number, lengthSize: number): number {
  let length = 0
  for (let i = 0; i < lengthSize; i++) length = length * 256 + (payload[position + i] ?? 0)
  const end = position + lengthSize + length
  if (end > payload.length) throw new BitstreamError('access unit', 'has a NAL unit longer than itself')
  return end
}

/**
 * The NAL units of an access unit, borrowed. Empty ones are left out.
 * @throws {BitstreamError}
 */
export function* lengthPrefixedUnits(payload: Uint8Array, lengthSize: number): Generator<Uint8Array> {
  for (let position = 0; position < payload.length; ) {
    const end = lengthPrefixedEnd(payload, position, lengthSize)
    if (end > position + lengthSize) yield payload.subarray(position + lengthSize, end)
    position = end
  }
}

/** Puts NAL units together with 4-byte length prefixes; copies. */
export function joinLengthPrefixed(units: readonly Uint8Array[]): Uint8Array {
  let bytes = 0
  for (const unit of units) bytes += 4 + unit.length
  const payload = new Uint8Array(bytes)
  const view = new DataView(payload.buffer)
  let position = 0
  for (const unit of units) {
    view.setUint32(position, unit.length)
    payload.set(unit, position + 4)
    position += 4 + unit.length
  }
  return payload
}
