import { concatBytes, copyOf } from '../bytes.ts'
import { BitstreamError } from '../errors.ts'
import { leb128, readLeb128 } from './leb128.ts'

/** OBU types Tapedeck acts on. AV1 specification §6.2.2. */
export const ObuType = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  metadata: 5,
  frame: 6,
  redundantFrameHeader: 7,
  tileList: 8,
  padding: 15,
} as const

/** One open bitstream unit; the slices share memory with the input. */
export interface Obu {
  readonly type: number
  /** 0 without an extension header. */
  readonly temporalId: number
  readonly spatialId: number
  readonly hasSizeField: boolean
  /** Header, size field and payload as they stood. */
  readonly whole: Uint8Array
  readonly payload: Uint8Array
}

/**
 * Walks the OBUs of a temporal unit or of configOBUs. An OBU without a size field reaches to the end. §5.3.
 * @throws {BitstreamError}
 */
export function* obus(bytes: Uint8Array): Generator<Obu> {
  let position = 0
  while (position < bytes.length) {
    const start = position
    const header = bytes[position++] ?? 0
    if ((header & 0x80) !== 0) throw new BitstreamError('AV1 OBU', 'has its forbidden bit set')
    const extension = (header & 4) !== 0 ? bytes[position++] : 0
    if (extension === undefined) throw new BitstreamError('AV1 OBU', 'ends early')
    const hasSizeField = (header & 2) !== 0
    let end = bytes.length
    if (hasSizeField) {
      const size = readLeb128(bytes, position)
      position = size.end
      end = position + size.value
      if (end > bytes.length) throw new BitstreamError('AV1 OBU', 'is longer than its temporal unit')
    }
    yield {
      type: (header >> 3) & 15,
      temporalId: extension >> 5,
      spatialId: (extension >> 3) & 3,
      hasSizeField,
      whole: bytes.subarray(start, end),
      payload: bytes.subarray(position, end),
    }
    position = end
  }
}

/**
 * The hub's payload form of a temporal unit: no temporal delimiters, every OBU with its size field. Borrows when the
 * input has that form already, or after a leading delimiter; copies otherwise.
 * @throws {BitstreamError}
 */
export function canonicalTemporalUnit(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  let leadingBytes = 0
  let contiguous = true
  for (const obu of obus(bytes)) {
    if (obu.type === ObuType.temporalDelimiter) {
      if (pieces.length === 0) leadingBytes += obu.whole.length
      else contiguous = false
    } else if (obu.hasSizeField) {
      pieces.push(obu.whole)
    } else {
      contiguous = false
      const headerBytes = obu.whole.length - obu.payload.length
      const header = copyOf(obu.whole.subarray(0, headerBytes))
      header[0] = (header[0] ?? 0) | 2 // obu_has_size_field
      pieces.push(header, leb128(obu.payload.length), obu.payload)
    }
  }
  return contiguous ? bytes.subarray(leadingBytes) : concatBytes(pieces)
}
