import { BitReader, BitWriter } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { audioSpecificConfigBits } from './audio-specific-config.ts'

const SUBJECT = 'StreamMuxConfig'

/** Longer than any AudioSpecificConfig there is. */
const MAX_CONFIG_BYTES = 256

/** frameLengthType, latmBufferFullness or frameLength, otherDataPresent, crcCheckPresent. */
const MIN_BITS_AFTER_CONFIG = 13

/** How access units stand in an AudioMuxElement (LATM), ISO/IEC 14496-3 §1.7.3: one programme of one layer. */
export interface StreamMuxConfig {
  /** Padded with zeros to whole bytes. */
  readonly audioSpecificConfig: Uint8Array
  /** Access units in each AudioMuxElement. */
  readonly accessUnits: number
  /** Of every access unit; 0: each tells its own. */
  readonly fixedBytes: number
  /** Something else follows the access units. */
  readonly hasOtherData: boolean
}

/**
 * Reads StreamMuxConfig(), table 1.42, from where the reader stands.
 * @param bytes those the reader reads
 * @throws {BitstreamError} malformed, or several programmes or layers @throws {CodecConfigurationError}
 */
export function readStreamMuxConfig(bytes: Uint8Array, reader: BitReader): StreamMuxConfig {
  const hasLengths = reader.flag() // audioMuxVersion
  if (hasLengths && reader.flag()) throw new BitstreamError(SUBJECT, 'has a reserved version') // audioMuxVersionA
  if (hasLengths) latmValue(reader) // taraBufferFullness
  const sameTimeFraming = reader.flag() // allStreamsSameTimeFraming
  const accessUnits = reader.u(6) + 1 // numSubFrames
  if (reader.u(4) + reader.u(3) !== 0 || !sameTimeFraming) {
    throw new BitstreamError(SUBJECT, 'has several programmes or layers')
  }
  const announcedBits = hasLengths ? latmValue(reader) : 0 // ascLen
  const configBits = hasLengths ? announcedBits : coreConfigBits(bytes, reader)
  const audioSpecificConfig = bitsOf(bytes, reader.positionBits, configBits)
  reader.skip(configBits)
  // GStreamer 1.22 ends its description here when the configuration before has more than two bytes.
  if (reader.remainingBits < MIN_BITS_AFTER_CONFIG) {
    return { audioSpecificConfig, accessUnits, fixedBytes: 0, hasOtherData: false }
  }
  const frameLengthType = reader.u(3)
  if (frameLengthType > 1) throw new BitstreamError(SUBJECT, `has frames of type ${frameLengthType}`)
  if (frameLengthType === 0) reader.skip(8) // latmBufferFullness
  const fixedBytes = frameLengthType === 1 ? reader.u(9) + 20 : 0 // frameLength
  const hasOtherData = reader.flag()
  if (hasOtherData) skipOtherDataLength(reader, hasLengths)
  if (reader.flag()) reader.skip(8) // crcCheckPresent, crcCheckSum
  return { audioSpecificConfig, accessUnits, fixedBytes, hasOtherData }
}

/** One programme of one layer, one access unit in each element. SBR that is signalled compatibly becomes implicit. @throws {CodecConfigurationError} */
export function buildStreamMuxConfig(audioSpecificConfig: Uint8Array): Uint8Array {
  const bits = audioSpecificConfigBits(audioSpecificConfig)
  const writer = new BitWriter()
    .flag(false) // audioMuxVersion
    .flag(true) // allStreamsSameTimeFraming
    .u(6, 0) // numSubFrames
    .u(4, 0) // numProgram
    .u(3, 0) // numLayer
  const config = new BitReader(audioSpecificConfig, SUBJECT)
  for (let left = bits; left > 0; left -= 8) writer.u(Math.min(8, left), config.u(Math.min(8, left)))
  return writer
    .u(3, 0) // frameLengthType
    .u(8, 0xff) // latmBufferFullness: variable rate
    .flag(false) // otherDataPresent
    .flag(false) // crcCheckPresent
    .bytes()
}

function coreConfigBits(bytes: Uint8Array, reader: BitReader): number {
  const rest = bitsOf(bytes, reader.positionBits, Math.min(reader.remainingBits, 8 * MAX_CONFIG_BYTES))
  return audioSpecificConfigBits(rest)
}

function skipOtherDataLength(reader: BitReader, hasLengths: boolean): void {
  if (hasLengths) {
    latmValue(reader)
    return
  }
  while (reader.flag()) reader.skip(8) // otherDataLenEsc, otherDataLenTmp
  reader.skip(8)
}

/** LatmGetValue(), table 1.43. */
function latmValue(reader: BitReader): number {
  return reader.u(8 * (reader.u(2) + 1))
}

/** A copy that begins at a byte boundary. */
function bitsOf(bytes: Uint8Array, startBit: number, bits: number): Uint8Array {
  const reader = new BitReader(bytes, SUBJECT)
  reader.skip(startBit)
  if (bits > 8 * MAX_CONFIG_BYTES) throw new BitstreamError(SUBJECT, `has a configuration of ${bits} bits`)
  const writer = new BitWriter()
  for (let left = bits; left > 0; left -= 8) writer.u(Math.min(8, left), reader.u(Math.min(8, left)))
  return writer.bytes()
}
