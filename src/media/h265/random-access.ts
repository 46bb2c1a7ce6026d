import { BitstreamError } from '../errors.ts'
import { lengthPrefixedEnd } from '../nal/length-prefixed.ts'
import { H265NalUnitType, h265NalUnitType } from './nal-unit-type.ts'

/**
 * True when the access unit has an intra random access point picture (IDR, CRA or BLA). ITU-T H.265 §3.69. A payload
 * that isn't H.265 gives false.
 */
export function isH265RandomAccess(payload: Uint8Array, lengthSize: number): boolean {
  try {
    for (let position = 0; position < payload.length; ) {
      const end = lengthPrefixedEnd(payload, position, lengthSize)
      const type = end > position + lengthSize ? h265NalUnitType(payload[position + lengthSize] ?? 0) : Infinity
      // The first slice decides: all slices of a picture share the property (§7.4.2.2). VCL types are below 32.
      if (type < H265NalUnitType.vps) return type >= H265NalUnitType.firstIrap && type <= H265NalUnitType.lastIrap
      position = end
    }
    return false
  } catch (error) {
    if (error instanceof BitstreamError) return false
    throw error
  }
}
