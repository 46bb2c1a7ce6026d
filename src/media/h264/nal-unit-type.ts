/** NAL unit types Tapedeck acts on. ITU-T H.264 (08/2021), table 7-1. */
export const H264NalUnitType = {
  slice: 1,
  idrSlice: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  accessUnitDelimiter: 9,
  spsExtension: 13,
} as const

/** nal_unit_type of a NAL unit's first byte. */
export function h264NalUnitType(firstByte: number): number {
  return firstByte & 0x1f
}
