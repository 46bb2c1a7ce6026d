import { BitReader, BitWriter } from '../bits.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'
import { readProgramConfigChannels } from './program-config-element.ts'

/** Audio object types Tapedeck acts on. ISO/IEC 14496-3 table 1.17. */
const AudioObjectType = { main: 1, lc: 2, ssr: 3, ltp: 4, sbr: 5, ld: 23, ps: 29, eld: 39, usac: 42 } as const

/** samplingFrequencyIndex 0 to 12. ISO/IEC 14496-3 table 1.18. */
export const AAC_SAMPLE_RATES_HZ = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
] as const
const EXPLICIT_RATE_INDEX = 15

/** Channels of channelConfiguration 1 to 14; 0 where reserved. ISO/IEC 14496-3 table 1.19. */
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8] as const

/** Object types with a GASpecificConfig. ISO/IEC 14496-3 table 1.15. */
const GENERAL_AUDIO = new Set([1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23])
/** From here on the error resilient types. */
const FIRST_RESILIENT_TYPE = 17
const SYNC_EXTENSION_SBR = 0x2b7
const SYNC_EXTENSION_PS = 0x548

/** AudioSpecificConfig, ISO/IEC 14496-3 §1.6.2.1. */
export interface AudioSpecificConfig {
  /** Object type of the core coder (2 for HE-AAC too). */
  readonly objectType: number
  /** Rate of the core coder: half the output rate where SBR is signalled. */
  readonly coreSampleRateHz: number
  /** Rate of the decoded audio. */
  readonly outputSampleRateHz: number
  /** 0 when a program config element describes the channels. */
  readonly channelConfiguration: number
  /** Output channels; 0 when nothing here tells. Parametric stereo turns 1 into 2. */
  readonly channels: number
  /** Signalled explicitly; an implicit one shows only in the access units. */
  readonly sbr: boolean
  readonly parametricStereo: boolean
  /** PCM samples per channel at outputSampleRateHz in one access unit; 0 when it isn't told here (USAC). */
  readonly samplesPerAccessUnit: number
}

/** @throws {CodecConfigurationError} */
export function parseAudioSpecificConfig(record: Uint8Array): AudioSpecificConfig {
  return asConfiguration('aac', () => readConfig(new BitReader(record, 'AudioSpecificConfig'), true))
}

/**
 * Bits of the configuration that `bytes` begin with, where something else follows: a LATM configuration without
 * lengths. The backward compatible signalling of SBR, which has no place there, is told by its sync word: GStreamer 1.22
 * sends it.
 * @throws {CodecConfigurationError} malformed, or of an object type whose end Tapedeck doesn't find
 */
export function audioSpecificConfigBits(bytes: Uint8Array): number {
  return asConfiguration('aac', () => {
    const reader = new BitReader(bytes, 'AudioSpecificConfig')
    const { objectType } = readConfig(reader, false)
    if (!GENERAL_AUDIO.has(objectType)) {
      throw new CodecConfigurationError('aac', `of object type ${objectType} has no known end`)
    }
    if (objectType >= FIRST_RESILIENT_TYPE && reader.u(2) > 1) {
      // epConfig
      throw new CodecConfigurationError('aac', 'has error protection')
    }
    const extension = new BitReader(bytes, 'AudioSpecificConfig')
    extension.skip(reader.positionBits)
    if (extension.remainingBits < 17 || extension.u(11) !== SYNC_EXTENSION_SBR) return reader.positionBits
    readSyncExtension(reader)
    return reader.positionBits
  })
}

/** @param isAlone nothing but the configuration follows */
function readConfig(reader: BitReader, isAlone: boolean): AudioSpecificConfig {
  let objectType = readObjectType(reader)
  const coreSampleRateHz = readSampleRate(reader)
  const channelConfiguration = reader.u(4)
  let extensionRateHz = 0
  let sbr = objectType === AudioObjectType.sbr || objectType === AudioObjectType.ps
  let parametricStereo = objectType === AudioObjectType.ps
  if (sbr) {
    extensionRateHz = readSampleRate(reader)
    objectType = readObjectType(reader)
  }
  let channels: number = CHANNELS[channelConfiguration] ?? 0
  let coreSamples = 0
  if (GENERAL_AUDIO.has(objectType)) {
    const specific = readGeneralAudio(reader, objectType, channelConfiguration)
    coreSamples = specific.coreSamples
    channels ||= specific.channels
    if (!sbr && isAlone) ({ sbr, parametricStereo, extensionRateHz } = readSyncExtension(reader))
  } else if (objectType === AudioObjectType.eld) {
    coreSamples = reader.flag() ? 480 : 512 // ELDSpecificConfig, frameLengthFlag
  }
  const outputSampleRateHz = sbr ? extensionRateHz : coreSampleRateHz
  return {
    objectType,
    coreSampleRateHz,
    outputSampleRateHz,
    channelConfiguration,
    channels: parametricStereo && channels === 1 ? 2 : channels,
    sbr,
    parametricStereo,
    samplesPerAccessUnit: Math.round((coreSamples * outputSampleRateHz) / coreSampleRateHz),
  }
}

/** GetAudioObjectType(), table 1.16. */
function readObjectType(reader: BitReader): number {
  const type = reader.u(5)
  return type === 31 ? 32 + reader.u(6) : type
}

function readSampleRate(reader: BitReader): number {
  const index = reader.u(4)
  const rateHz = index === EXPLICIT_RATE_INDEX ? reader.u(24) : AAC_SAMPLE_RATES_HZ[index]
  if (!rateHz) throw new CodecConfigurationError('aac', `has the reserved sampling frequency index ${index}`)
  return rateHz
}

/** GASpecificConfig(), ISO/IEC 14496-3 table 4.1. */
function readGeneralAudio(reader: BitReader, objectType: number, channelConfiguration: number) {
  const short = reader.flag() // frameLengthFlag
  if (reader.flag()) reader.skip(14) // coreCoderDelay
  const extension = reader.flag()
  const channels = channelConfiguration === 0 ? readProgramConfigChannels(reader) : 0
  if (objectType === 6 || objectType === 20) reader.skip(3) // layerNr
  if (extension) {
    if (objectType === 22) reader.skip(16) // numOfSubFrame, layer_length
    if ([17, 19, 20, 23].includes(objectType)) reader.skip(3) // three resilience flags
    reader.skip(1) // extensionFlag3
  }
  const long = objectType === AudioObjectType.ld ? 512 : 1024
  return { channels, coreSamples: short ? long - long / 16 : long }
}

/** The backward compatible signalling of SBR and PS after the core configuration, §1.6.6.2. */
function readSyncExtension(reader: BitReader) {
  const none = { sbr: false, parametricStereo: false, extensionRateHz: 0 }
  if (reader.remainingBits < 16 || reader.u(11) !== SYNC_EXTENSION_SBR) return none
  if (readObjectType(reader) !== AudioObjectType.sbr || !reader.flag()) return none
  const extensionRateHz = readSampleRate(reader)
  const parametricStereo = reader.remainingBits >= 12 && reader.u(11) === SYNC_EXTENSION_PS && reader.flag()
  return { sbr: true, parametricStereo, extensionRateHz }
}

/**
 * Makes the plain two-byte form (five bytes for rates outside the table): no SBR, 1024 samples.
 * @param objectType 1 to 4
 */
export function buildAudioSpecificConfig(
  objectType: number,
  sampleRateHz: number,
  channelConfiguration: number,
): Uint8Array {
  const index = (AAC_SAMPLE_RATES_HZ as readonly number[]).indexOf(sampleRateHz)
  const writer = new BitWriter().u(5, objectType)
  if (index >= 0) writer.u(4, index)
  else writer.u(4, EXPLICIT_RATE_INDEX).u(24, sampleRateHz)
  return writer
    .u(4, channelConfiguration)
    .u(3, 0) // frameLengthFlag, dependsOnCoreCoder, extensionFlag
    .bytes()
}
