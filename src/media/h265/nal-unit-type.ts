/** NAL unit types Tapedeck acts on. ITU-T H.265 (08/2021), table 7-1. */
export const H265NalUnitType = {
  /** First and last of the intra random access point range (BLA, IDR, CRA and two reserved). */
  firstIrap: 16,
  lastIrap: 23,
  vps: 32,
  sps: 33,
  pps: 34,
  accessUnitDelimiter: 35,
  prefixSei: 39,
} as const

/** nal_unit_type of a NAL unit's first byte. */
export function h265NalUnitType(firstByte: number): number {
  return (firstByte >> 1) & 0x3f
}
