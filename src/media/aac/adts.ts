import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'
import { AAC_SAMPLE_RATES_HZ, type AudioSpecificConfig } from './audio-specific-config.ts'

const ADTS_HEADER_BYTES = 7

/** Largest value of aac_frame_length, header included. */
export const MAX_ADTS_FRAME_BYTES = 0x1fff

/** adts_fixed_header() and adts_variable_header(). ISO/IEC 14496-3 §1.A.2.2. */
export interface AdtsHeader {
  readonly objectType: number
  readonly sampleRateHz: number
  readonly channelConfiguration: number
  /** 7, or 9 with a checksum. */
  readonly headerBytes: number
  /** Header and access unit. */
  readonly frameBytes: number
}

/**
 * True when ADTS can describe such a track: its fields hold object types 1 to 4, the thirteen tabulated rates and
 * channel configurations 1 to 7 only.
 */
export function adtsCarries(config: AudioSpecificConfig): boolean {
  const { objectType, coreSampleRateHz, channelConfiguration } = config
  const rateKnown = (AAC_SAMPLE_RATES_HZ as readonly number[]).includes(coreSampleRateHz)
  return objectType >= 1 && objectType <= 4 && rateKnown && channelConfiguration >= 1 && channelConfiguration <= 7
}

/**
 * Makes the header to put before one raw_data_block. HE-AAC is announced by its core (implicit signalling), the only
 * way ADTS knows.
 * @throws {BitstreamError} ADTS can't describe the track (see adtsCarries), or the access unit is too large
 */
export function adtsHeader(config: AudioSpecificConfig, payloadBytes: number): Uint8Array {
  if (!adtsCarries(config)) throw new BitstreamError('ADTS header', 'can not describe this AAC configuration')
  const frameBytes = ADTS_HEADER_BYTES + payloadBytes
  if (frameBytes > MAX_ADTS_FRAME_BYTES) {
    throw new BitstreamError('ADTS header', `can not hold ${frameBytes} bytes, more than ${MAX_ADTS_FRAME_BYTES}`)
  }
  const rateIndex = (AAC_SAMPLE_RATES_HZ as readonly number[]).indexOf(config.coreSampleRateHz)
  const channels = config.channelConfiguration
  return Uint8Array.of(
    0xff, // syncword
    0xf1, // syncword, ID (MPEG-4), layer, protection_absent
    ((config.objectType - 1) << 6) | (rateIndex << 2) | (channels >> 2), // profile, rate, private_bit, channels
    ((channels & 3) << 6) | (frameBytes >> 11), // channels, four flags, aac_frame_length
    (frameBytes >> 3) & 0xff,
    ((frameBytes & 7) << 5) | 0x1f, // aac_frame_length, adts_buffer_fullness 0x7ff: variable rate
    0xfc, // adts_buffer_fullness, number_of_raw_data_blocks_in_frame: one
  )
}

/** @throws {BitstreamError} no sync word, a reserved rate, or several raw_data_blocks in one frame */
export function parseAdtsHeader(bytes: Uint8Array): AdtsHeader {
  const reader = new BitReader(bytes, 'ADTS header')
  if (reader.u(12) !== 0xfff) throw new BitstreamError('ADTS header', 'lacks its sync word')
  reader.skip(1) // ID
  if (reader.u(2) !== 0) throw new BitstreamError('ADTS header', 'has a layer other than 0')
  const protectionAbsent = reader.flag()
  const objectType = reader.u(2) + 1
  const sampleRateHz = AAC_SAMPLE_RATES_HZ[reader.u(4)]
  if (sampleRateHz === undefined) throw new BitstreamError('ADTS header', 'has a reserved sample rate')
  reader.skip(1) // private_bit
  const channelConfiguration = reader.u(3)
  reader.skip(4) // original_copy … copyright_identification_start
  const frameBytes = reader.u(13)
  reader.skip(11) // adts_buffer_fullness
  if (reader.u(2) !== 0) throw new BitstreamError('ADTS header', 'announces several raw_data_blocks')
  const headerBytes = protectionAbsent ? ADTS_HEADER_BYTES : ADTS_HEADER_BYTES + 2
  if (frameBytes < headerBytes) throw new BitstreamError('ADTS header', 'announces a frame shorter than itself')
  return { objectType, sampleRateHz, channelConfiguration, headerBytes, frameBytes }
}
