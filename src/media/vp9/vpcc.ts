import { ByteReader } from '../bytes.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'
import { UNSPECIFIED } from '../nal/vui.ts'
import type { ColorInfo } from '../track.ts'

/** Full box header (version 1, no flags) and the fields up to codecInitializationDataSize. */
const FULL_BOX_HEADER_BYTES = 4
const RECORD_BYTES = 8

/** vpcC body: VPCodecConfigurationRecord, VP Codec ISO Media File Format Binding v1.0 §2.2. */
export interface VpConfiguration {
  readonly profile: number
  /** Ten times the level, 0 when unknown. */
  readonly level: number
  readonly bitDepth: number
  /** 0 4:2:0 vertical, 1 4:2:0 colocated with luma (0,0), 2 4:2:2, 3 4:4:4. */
  readonly chromaSubsampling: number
  readonly color: ColorInfo
}

/**
 * Gives the record its full box header if it lacks one: E-RTMP publishers send it either way. Version 1 and no flags
 * can't be mistaken for fields, because a bit depth of 0 does not exist.
 */
export function canonicalVpcC(record: Uint8Array): Uint8Array {
  if (record.length === 0 || hasFullBoxHeader(record)) return record
  const canonical = new Uint8Array(FULL_BOX_HEADER_BYTES + record.length)
  canonical[0] = 1
  canonical.set(record, FULL_BOX_HEADER_BYTES)
  return canonical
}

function hasFullBoxHeader(record: Uint8Array): boolean {
  const [version, ...flags] = record.subarray(0, FULL_BOX_HEADER_BYTES)
  return record.length >= FULL_BOX_HEADER_BYTES + RECORD_BYTES && version === 1 && flags.every((byte) => byte === 0)
}

/** @throws {CodecConfigurationError} */
export function parseVpcC(record: Uint8Array, codec: 'vp8' | 'vp9'): VpConfiguration {
  return asConfiguration(codec, () => {
    const reader = new ByteReader(canonicalVpcC(record), 'vpcC')
    reader.slice(FULL_BOX_HEADER_BYTES)
    const profile = reader.u8()
    const level = reader.u8()
    const depth = reader.u8()
    const [primaries, transfer, matrix] = [reader.u8(), reader.u8(), reader.u8()]
    reader.slice(reader.u16()) // codecInitializationData: always empty for VP8 and VP9
    const bitDepth = depth >> 4
    if (profile > 3) throw new CodecConfigurationError(codec, `has profile ${profile}, beyond 3`)
    if (bitDepth !== 8 && bitDepth !== 10 && bitDepth !== 12) {
      throw new CodecConfigurationError(codec, `has a bit depth of ${bitDepth} instead of 8, 10 or 12`)
    }
    const color = { primaries, transfer, matrix, fullRange: (depth & 1) === 1 }
    return { profile, level, bitDepth, chromaSubsampling: (depth >> 1) & 7, color }
  })
}

export function buildVpcC(configuration: VpConfiguration): Uint8Array {
  const { profile, level, bitDepth, chromaSubsampling, color } = configuration
  return Uint8Array.of(
    ...[1, 0, 0, 0], // version, flags
    profile,
    level,
    (bitDepth << 4) | (chromaSubsampling << 1) | (color.fullRange ? 1 : 0),
    color.primaries,
    color.transfer,
    color.matrix,
    ...[0, 0], // codecInitializationDataSize
  )
}

/** What the record says of colour, undefined when it says nothing. */
export function vpColor({ color }: VpConfiguration): ColorInfo | undefined {
  const { primaries, transfer, matrix, fullRange } = color
  const silent = primaries === UNSPECIFIED && transfer === UNSPECIFIED && matrix === UNSPECIFIED && !fullRange
  return silent ? undefined : color
}
