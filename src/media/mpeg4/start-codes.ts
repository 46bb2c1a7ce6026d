/** start_code_value of what Tapedeck acts on. ISO/IEC 14496-2 table 6-3. */
export const Mpeg4StartCode = {
  firstVideoObjectLayer: 0x20,
  lastVideoObjectLayer: 0x2f,
  visualObjectSequence: 0xb0,
  groupOfVop: 0xb3,
  vop: 0xb6,
} as const

/** Where the next `00 00 01` at or after `from` begins that has its value behind it; -1: none. */
export function nextStartCode(bytes: Uint8Array, from: number, end: number = bytes.length): number {
  for (let at = from; at + 3 < end; ) {
    const third = bytes[at + 2] ?? 0
    // Of three bytes in a row the last decides how far the next start code can be at least.
    if (third > 1) at += 3
    else if (third === 1 && bytes[at] === 0 && bytes[at + 1] === 0) return at
    else at++
  }
  return -1
}
