import { ByteReader, be, concatBytes } from '../bytes.ts'
import { asConfiguration, BitstreamError, CodecConfigurationError } from '../errors.ts'
import { H265NalUnitType, h265NalUnitType } from './nal-unit-type.ts'
import type { ProfileTierLevel } from './profile-tier-level.ts'
import { parseH265Sps } from './sps.ts'

/** hvcC body: HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 §8.3.3.1.2. Slices share memory with the record. */
export interface HevcConfiguration {
  readonly profileTierLevel: ProfileTierLevel
  readonly chromaFormatIdc: number
  readonly bitDepthLuma: number
  readonly bitDepthChroma: number
  /** Pictures per second as the record claims (it stores pictures in 256 seconds); 0 when unspecified. */
  readonly averageFrameRate: number
  /** Bytes of each NAL unit's length prefix: 1, 2 or 4. */
  readonly lengthSize: number
  readonly arrays: readonly HevcParameterSets[]
}

/** All parameter sets (or declarative SEI) of one NAL unit type. */
export interface HevcParameterSets {
  readonly nalUnitType: number
  /** All sets of this type are here, none comes in the media (`hvc1` demands it). */
  readonly complete: boolean
  readonly units: readonly Uint8Array[]
}

/** @throws {CodecConfigurationError} */
export function parseHvcC(record: Uint8Array): HevcConfiguration {
  return asConfiguration('h265', () => {
    const reader = new ByteReader(record, 'hvcC')
    const version = reader.u8()
    // Version 0 is from before the standard was final; the layout is the same, and readers take it.
    if (version > 1) throw new CodecConfigurationError('h265', `has version ${version} instead of 1`)
    const profile = reader.u8()
    const compatibilityFlags = reader.u32()
    const constraintBytes = Array.from(reader.slice(6))
    const levelIdc = reader.u8()
    reader.slice(3) // min_spatial_segmentation_idc, parallelismType
    const chromaFormatIdc = reader.u8() & 3
    const bitDepthLuma = (reader.u8() & 7) + 8
    const bitDepthChroma = (reader.u8() & 7) + 8
    const averageFrameRate = reader.u16() / 256
    const lengthSize = (reader.u8() & 3) + 1
    if (lengthSize === 3) throw new CodecConfigurationError('h265', 'asks for 3-byte lengths, which the format forbids')
    const arrays: HevcParameterSets[] = []
    for (let left = reader.u8(); left > 0; left--) arrays.push(readArray(reader))
    return {
      profileTierLevel: {
        profileSpace: profile >> 6,
        highTier: (profile & 0x20) !== 0,
        profileIdc: profile & 0x1f,
        compatibilityFlags,
        constraintBytes,
        levelIdc,
      },
      chromaFormatIdc,
      bitDepthLuma,
      bitDepthChroma,
      averageFrameRate,
      lengthSize,
      arrays,
    }
  })
}

function readArray(reader: ByteReader): HevcParameterSets {
  const header = reader.u8()
  const units: Uint8Array[] = []
  for (let left = reader.u16(); left > 0; left--) units.push(reader.slice(reader.u16()))
  return { nalUnitType: header & 0x3f, complete: (header & 0x80) !== 0, units }
}

/** All NAL units of the record in its order: VPS, SPS, PPS, SEI. */
export function hevcParameterSets(configuration: HevcConfiguration): Uint8Array[] {
  return configuration.arrays.flatMap((array) => array.units)
}

export function firstHevcUnit(configuration: HevcConfiguration, nalUnitType: number): Uint8Array | undefined {
  return configuration.arrays.find((array) => array.nalUnitType === nalUnitType)?.units[0]
}

/** True when the record itself holds VPS, SPS and PPS, as the sample entry `hvc1` demands (`hev1` doesn't). */
export function holdsHevcParameterSets(configuration: HevcConfiguration): boolean {
  const { vps, sps, pps } = H265NalUnitType
  return [vps, sps, pps].every((type) => firstHevcUnit(configuration, type) !== undefined)
}

/**
 * Makes the record for 4-byte lengths from VPS, SPS, PPS (and SEI) NAL units in any order.
 * @throws {BitstreamError} no SPS among them, or it can't be parsed
 */
export function buildHvcC(units: readonly Uint8Array[]): Uint8Array {
  const byType = new Map<number, Uint8Array[]>()
  for (const unit of units) {
    const type = h265NalUnitType(unit[0] ?? 0)
    byType.set(type, [...(byType.get(type) ?? []), unit])
  }
  const firstSps = byType.get(H265NalUnitType.sps)?.[0]
  if (firstSps === undefined) throw new BitstreamError('H.265 parameter sets', 'have no SPS')
  const sps = parseH265Sps(firstSps)
  const level = sps.profileTierLevel
  const profile = (level.profileSpace << 6) | (level.highTier ? 0x20 : 0) | level.profileIdc
  const pieces = [
    Uint8Array.of(1, profile),
    be(4, level.compatibilityFlags),
    Uint8Array.from(level.constraintBytes),
    Uint8Array.of(level.levelIdc, 0xf0, 0), // min_spatial_segmentation_idc 0: unknown
    Uint8Array.of(0xfc), // parallelismType 0: unknown
    Uint8Array.of(0xfc | sps.chromaFormatIdc, 0xf8 | (sps.bitDepthLuma - 8), 0xf8 | (sps.bitDepthChroma - 8)),
    be(2, 0), // avgFrameRate: unspecified
    Uint8Array.of((sps.maxSubLayers << 3) | (sps.temporalIdNesting ? 4 : 0) | 3, byType.size),
  ]
  for (const type of [...byType.keys()].sort((a, b) => a - b)) {
    const array = byType.get(type) ?? []
    pieces.push(Uint8Array.of(0x80 | type), be(2, array.length), ...array.flatMap((unit) => [be(2, unit.length), unit]))
  }
  return concatBytes(pieces)
}
