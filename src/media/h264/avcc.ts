import { ByteReader, be, concatBytes } from '../bytes.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'
import { parseH264Sps } from './sps.ts'

/** avcC body: AVCDecoderConfigurationRecord, ISO/IEC 14496-15 §5.3.3.1.2. Slices share memory with the record. */
export interface AvcConfiguration {
  readonly profileIdc: number
  readonly profileCompatibility: number
  readonly levelIdc: number
  /** Bytes of each NAL unit's length prefix: 1, 2 or 4. */
  readonly lengthSize: number
  readonly sps: readonly Uint8Array[]
  readonly pps: readonly Uint8Array[]
  readonly spsExtensions: readonly Uint8Array[]
}

/** Profiles that end the record with chroma format and bit depths. */
const PROFILES_WITH_EXTENSION = new Set([100, 110, 122, 144])

/** @throws {CodecConfigurationError} */
export function parseAvcC(record: Uint8Array): AvcConfiguration {
  return asConfiguration('h264', () => {
    const reader = new ByteReader(record, 'avcC')
    const version = reader.u8()
    if (version !== 1) throw new CodecConfigurationError('h264', `has version ${version} instead of 1`)
    const profileIdc = reader.u8()
    const profileCompatibility = reader.u8()
    const levelIdc = reader.u8()
    const lengthSize = (reader.u8() & 3) + 1
    if (lengthSize === 3) throw new CodecConfigurationError('h264', 'asks for 3-byte lengths, which the format forbids')
    const sps = readUnits(reader, reader.u8() & 0x1f)
    const pps = readUnits(reader, reader.u8())
    let spsExtensions: Uint8Array[] = []
    // Many encoders leave the extension out, although their profile demands it.
    if (PROFILES_WITH_EXTENSION.has(profileIdc) && reader.remaining >= 4) {
      reader.slice(3) // chroma_format, bit_depth_luma_minus8, bit_depth_chroma_minus8
      spsExtensions = readUnits(reader, reader.u8())
    }
    return { profileIdc, profileCompatibility, levelIdc, lengthSize, sps, pps, spsExtensions }
  })
}

function readUnits(reader: ByteReader, count: number): Uint8Array[] {
  const units: Uint8Array[] = []
  for (let i = 0; i < count; i++) units.push(reader.slice(reader.u16()))
  return units
}

/**
 * Makes the record for 4-byte lengths from parameter set NAL units.
 * @throws {BitstreamError} the first SPS can't be parsed
 */
export function buildAvcC(
  sps: readonly [Uint8Array, ...Uint8Array[]],
  pps: readonly Uint8Array[],
  spsExtensions: readonly Uint8Array[] = [],
): Uint8Array {
  const first = parseH264Sps(sps[0])
  const pieces = [
    Uint8Array.of(1, first.profileIdc, first.constraintFlags, first.levelIdc, 0xfc | 3, 0xe0 | sps.length),
    ...withLengths(sps),
    Uint8Array.of(pps.length),
    ...withLengths(pps),
  ]
  if (PROFILES_WITH_EXTENSION.has(first.profileIdc)) {
    pieces.push(
      Uint8Array.of(
        0xfc | first.chromaFormatIdc,
        0xf8 | (first.bitDepthLuma - 8),
        0xf8 | (first.bitDepthChroma - 8),
        spsExtensions.length,
      ),
      ...withLengths(spsExtensions),
    )
  }
  return concatBytes(pieces)
}

function withLengths(units: readonly Uint8Array[]): Uint8Array[] {
  return units.flatMap((unit) => [be(2, unit.length), unit])
}
