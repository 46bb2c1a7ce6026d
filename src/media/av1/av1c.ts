import { BitReader, BitWriter } from '../bits.ts'
import { concatBytes } from '../bytes.ts'
import { asConfiguration, BitstreamError, CodecConfigurationError } from '../errors.ts'
import { ObuType, obus } from './obu.ts'
import { type Av1SequenceHeader, parseAv1SequenceHeader } from './sequence-header.ts'

/** av1C body: AV1CodecConfigurationRecord, AV1 in ISOBMFF v1.2.0 §2.3.3. */
export interface Av1Configuration {
  readonly profile: number
  readonly levelIdx: number
  readonly highTier: boolean
  readonly bitDepth: number
  readonly monochrome: boolean
  readonly subsamplingX: number
  readonly subsamplingY: number
  readonly chromaSamplePosition: number
  /** Of the configOBUs; undefined when the record has none. */
  readonly sequenceHeader: Av1SequenceHeader | undefined
}

/** @throws {CodecConfigurationError} */
export function parseAv1C(record: Uint8Array): Av1Configuration {
  return asConfiguration('av1', () => {
    const reader = new BitReader(record, 'av1C')
    if (reader.u(8) !== 0x81) throw new CodecConfigurationError('av1', 'lacks the marker and version 1')
    const profile = reader.u(3)
    const levelIdx = reader.u(5)
    const highTier = reader.flag()
    const highBitDepth = reader.flag()
    const twelveBit = reader.flag()
    const monochrome = reader.flag()
    const subsamplingX = reader.u(1)
    const subsamplingY = reader.u(1)
    const chromaSamplePosition = reader.u(2)
    reader.skip(8) // initial_presentation_delay
    return {
      profile,
      levelIdx,
      highTier,
      bitDepth: twelveBit ? 12 : highBitDepth ? 10 : 8,
      monochrome,
      subsamplingX,
      subsamplingY,
      chromaSamplePosition,
      sequenceHeader: findSequenceHeader(record.subarray(4)),
    }
  })
}

/** The first sequence header among OBUs, parsed. @throws {BitstreamError} */
function findSequenceHeader(bytes: Uint8Array): Av1SequenceHeader | undefined {
  for (const obu of obus(bytes)) if (obu.type === ObuType.sequenceHeader) return parseAv1SequenceHeader(obu.payload)
  return undefined
}

/**
 * Makes the record from a temporal unit that holds a sequence header (a random access point).
 * @throws {BitstreamError} none there, or it can't be parsed
 */
export function buildAv1C(temporalUnit: Uint8Array): Uint8Array {
  for (const obu of obus(temporalUnit)) {
    if (obu.type !== ObuType.sequenceHeader) continue
    const header = parseAv1SequenceHeader(obu.payload)
    const fields = new BitWriter()
      .u(8, 0x81) // marker, version
      .u(3, header.profile)
      .u(5, header.levelIdx)
      .flag(header.highTier)
      .flag(header.bitDepth > 8)
      .flag(header.bitDepth === 12)
      .flag(header.monochrome)
      .u(1, header.subsamplingX)
      .u(1, header.subsamplingY)
      .u(2, header.chromaSamplePosition)
      .u(8, 0) // no initial_presentation_delay
    return concatBytes([fields.bytes(), obu.whole])
  }
  throw new BitstreamError('AV1 temporal unit', 'has no sequence header')
}
