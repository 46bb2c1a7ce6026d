import type { AccessUnit } from '../access-unit.ts'
import { H264NalUnitType, h264NalUnitType } from '../h264/nal-unit-type.ts'
import { H265NalUnitType, h265NalUnitType } from '../h265/nal-unit-type.ts'

/** An access unit begins with its parameter sets, after a delimiter and SEI messages at most. */
const MAX_UNITS_LOOKED_AT = 8

/**
 * Whether an access unit of H.264 or H.265 brings the sequence parameter set it is decoded with, so that no reader needs
 * the configuration record for it. False for other codecs, and for what is malformed.
 */
export function bringsParameterSets({ format, payload }: Pick<AccessUnit, 'format' | 'payload'>): boolean {
  const { codec, configuration } = format
  if (codec !== 'h264' && codec !== 'h265') return false
  const lengthSize = ((configuration[codec === 'h264' ? 4 : 21] ?? 3) & 3) + 1
  for (let units = 0, position = 0; units < MAX_UNITS_LOOKED_AT && position + lengthSize < payload.length; units++) {
    let length = 0
    for (let i = 0; i < lengthSize; i++) length = length * 256 + (payload[position + i] ?? 0)
    position += lengthSize
    const first = payload[position] ?? 0
    if (length > 0 && position + length <= payload.length && isSps(codec, first)) return true
    position += length
  }
  return false
}

function isSps(codec: 'h264' | 'h265', firstByte: number): boolean {
  if (codec === 'h264') return h264NalUnitType(firstByte) === H264NalUnitType.sps
  return h265NalUnitType(firstByte) === H265NalUnitType.sps
}
