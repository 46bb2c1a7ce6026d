import { Mpeg4StartCode, nextStartCode } from './start-codes.ts'

/** vop_coding_type of an I-VOP. ISO/IEC 14496-2 table 6-20. */
const INTRA = 0

/** True when decoding may start at this access unit: its picture is an I-VOP. What isn't MPEG-4 gives false. */
export function isMpeg4RandomAccess(accessUnit: Uint8Array): boolean {
  for (let at = nextStartCode(accessUnit, 0); at >= 0; at = nextStartCode(accessUnit, at + 3)) {
    if (accessUnit[at + 3] === Mpeg4StartCode.vop) return (accessUnit[at + 4] ?? 0xff) >> 6 === INTRA
  }
  return false
}
