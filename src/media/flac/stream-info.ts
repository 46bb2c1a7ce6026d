import { BitReader } from '../bits.ts'
import { startsWithAscii } from '../bytes.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'

export const STREAM_INFO_BYTES = 34

const MAGIC = 'fLaC'
const BLOCK_HEADER_BYTES = 4
const FULL_BOX_HEADER_BYTES = 4

/** STREAMINFO metadata block body. RFC 9639 §8.2. */
export interface FlacStreamInfo {
  readonly minBlockSamples: number
  readonly maxBlockSamples: number
  readonly sampleRateHz: number
  readonly channels: number
  readonly bitsPerSample: number
}

/** @throws {CodecConfigurationError} */
export function parseFlacStreamInfo(record: Uint8Array): FlacStreamInfo {
  return asConfiguration('flac', () => {
    const reader = new BitReader(canonicalStreamInfo(record), 'STREAMINFO')
    const minBlockSamples = reader.u(16)
    const maxBlockSamples = reader.u(16)
    reader.skip(48) // minimum and maximum frame size
    const sampleRateHz = reader.u(20)
    const channels = reader.u(3) + 1
    const bitsPerSample = reader.u(5) + 1
    if (sampleRateHz === 0) throw new CodecConfigurationError('flac', 'has a sample rate of 0')
    return { minBlockSamples, maxBlockSamples, sampleRateHz, channels, bitsPerSample }
  })
}

/**
 * Finds the 34 bytes of STREAMINFO in what publishers send for FLAC: the bare block, the block with its header, a whole
 * stream start (`fLaC` and metadata blocks), or the body of an MP4 dfLa box. Borrows.
 * @throws {CodecConfigurationError} none of these
 */
export function canonicalStreamInfo(record: Uint8Array): Uint8Array {
  if (record.length === STREAM_INFO_BYTES) return record
  for (const start of [startsWithAscii(record, MAGIC) ? MAGIC.length : 0, FULL_BOX_HEADER_BYTES]) {
    const info = record.subarray(start + BLOCK_HEADER_BYTES, start + BLOCK_HEADER_BYTES + STREAM_INFO_BYTES)
    if (isStreamInfoHeader(record, start) && info.length === STREAM_INFO_BYTES) return info
  }
  throw new CodecConfigurationError('flac', 'has no STREAMINFO block')
}

/** Block type 0, whatever the last-block flag, and a length of 34. STREAMINFO is always the first block. */
function isStreamInfoHeader(record: Uint8Array, at: number): boolean {
  const [type = 255, high, middle, low] = record.subarray(at, at + BLOCK_HEADER_BYTES)
  return (type & 0x7f) === 0 && high === 0 && middle === 0 && low === STREAM_INFO_BYTES
}
