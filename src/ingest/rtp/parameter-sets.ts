import { parseAvcC } from '#media/h264/avcc.ts'
import { H264NalUnitType, h264NalUnitType } from '#media/h264/nal-unit-type.ts'
import { hevcParameterSets, parseHvcC } from '#media/h265/hvcc.ts'
import { H265NalUnitType, h265NalUnitType } from '#media/h265/nal-unit-type.ts'
import { joinLengthPrefixed, lengthPrefixedUnits } from '#media/nal/length-prefixed.ts'
import type { TrackFormat } from '#media/track.ts'

/**
 * An access unit with NAL units of 4-byte lengths, as packetizers take it, and where asked for with its parameter sets
 * in front, unless it brings its own. Other codecs' access units, and those that are right already, are not copied.
 * @throws {TapedeckError} it is malformed
 */
export function withParameterSets(format: TrackFormat, payload: Uint8Array, areWanted: boolean): Uint8Array {
  const { codec } = format
  if (codec !== 'h264' && codec !== 'h265') return payload
  const lengthSize = ((format.configuration[codec === 'h264' ? 4 : 21] ?? 3) & 3) + 1
  if (lengthSize === 4 && !areWanted) return payload
  const units = [...lengthPrefixedUnits(payload, lengthSize)]
  const bringsSets = units.some(([first = 0]) => isSps(codec, first))
  return joinLengthPrefixed(areWanted && !bringsSets ? [...parameterSets(format), ...units] : units)
}

function isSps(codec: 'h264' | 'h265', firstByte: number): boolean {
  if (codec === 'h264') return h264NalUnitType(firstByte) === H264NalUnitType.sps
  return h265NalUnitType(firstByte) === H265NalUnitType.sps
}

function parameterSets({ codec, configuration }: TrackFormat): readonly Uint8Array[] {
  if (codec === 'h265') return hevcParameterSets(parseHvcC(configuration))
  const { sps, spsExtensions, pps } = parseAvcC(configuration)
  return [...sps, ...spsExtensions, ...pps]
}
