import { BitstreamError } from '../errors.ts'
import { ObuType, obus } from './obu.ts'
import { parseAv1SequenceHeader } from './sequence-header.ts'

/**
 * True when decoding may start at this temporal unit: a sequence header, and a first frame that is a shown key frame.
 * AV1 in ISOBMFF v1.2.0 §2.4. A payload that isn't AV1 gives false.
 */
export function isAv1RandomAccess(temporalUnit: Uint8Array): boolean {
  try {
    let still: boolean | undefined
    for (const obu of obus(temporalUnit)) {
      if (obu.type === ObuType.sequenceHeader) still = parseAv1SequenceHeader(obu.payload).reducedStillPictureHeader
      if (obu.type !== ObuType.frame && obu.type !== ObuType.frameHeader) continue
      if (still === undefined) return false
      // uncompressed_header() begins: show_existing_frame 1, frame_type 2 (0 is KEY_FRAME), show_frame 1. §5.9.2.
      return still || ((obu.payload[0] ?? 0) & 0xf0) === 0x10
    }
    return false
  } catch (error) {
    if (error instanceof BitstreamError) return false
    throw error
  }
}
