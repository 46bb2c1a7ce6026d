import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { removeEmulationPrevention } from '../nal/emulation-prevention.ts'
import { lengthPrefixedEnd } from '../nal/length-prefixed.ts'
import { H264NalUnitType, h264NalUnitType } from './nal-unit-type.ts'

/** payloadType of the recovery point SEI message. ITU-T H.264 §D.1.8. */
const RECOVERY_POINT = 6

/**
 * True when decoding may start at this access unit: it has an IDR slice, or a recovery point SEI message that promises
 * correct pictures at once (recovery_frame_cnt 0, open GOPs). A payload that isn't H.264 gives false.
 */
export function isH264RandomAccess(payload: Uint8Array, lengthSize: number): boolean {
  try {
    for (let position = 0; position < payload.length; ) {
      const end = lengthPrefixedEnd(payload, position, lengthSize)
      const start = position + lengthSize
      position = end
      if (start === end) continue
      const type = h264NalUnitType(payload[start] ?? 0)
      if (type === H264NalUnitType.idrSlice) return true
      if (type === H264NalUnitType.sei && recoversAtOnce(payload.subarray(start + 1, end))) return true
      if (type >= H264NalUnitType.slice && type < H264NalUnitType.idrSlice) return false // SEI precede the first slice
    }
    return false
  } catch (error) {
    if (error instanceof BitstreamError) return false
    throw error
  }
}

/** sei_rbsp(), §7.3.2.3. */
function recoversAtOnce(sei: Uint8Array): boolean {
  const rbsp = removeEmulationPrevention(sei)
  const reader = new BitReader(rbsp, 'H.264 SEI')
  while (reader.remainingBits > 16) {
    const type = readExtended(reader) // payloadType
    const bytes = readExtended(reader) // payloadSize
    if (type === RECOVERY_POINT) return reader.ue() === 0 // recovery_frame_cnt
    reader.skip(8 * bytes)
  }
  return false
}

/** A run of FF bytes and a last byte, added up. §7.3.2.3.1. */
function readExtended(reader: BitReader): number {
  let value = 0
  for (;;) {
    const byte = reader.u(8)
    value += byte
    if (byte !== 0xff) return value
  }
}
