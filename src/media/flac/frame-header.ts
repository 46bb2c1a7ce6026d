import { BitReader } from '../bits.ts'
import { BitstreamError } from '../errors.ts'

/**
 * PCM samples per channel of one FLAC frame. RFC 9639 §9.1.
 * @throws {BitstreamError}
 */
export function flacFrameSamples(frame: Uint8Array): number {
  const reader = new BitReader(frame, 'FLAC frame header')
  if (reader.u(15) !== 0x7ffc) throw new BitstreamError('FLAC frame header', 'lacks its sync code')
  reader.skip(1) // blocking strategy
  const blockSize = reader.u(4)
  reader.skip(12) // sample rate, channels, bit depth, reserved
  skipCodedNumber(reader)
  switch (blockSize) {
    case 0:
      throw new BitstreamError('FLAC frame header', 'has a reserved block size')
    case 1:
      return 192
    case 6:
      return reader.u(8) + 1
    case 7:
      return reader.u(16) + 1
    default:
      return blockSize < 6 ? 144 << blockSize : 1 << blockSize
  }
}

/** The frame or sample number in the extended UTF-8 of §9.1.5: as many leading ones as bytes, or none for one. */
function skipCodedNumber(reader: BitReader): void {
  const first = reader.u(8)
  const leadingOnes = Math.clz32(~(first << 24))
  if (leadingOnes === 1 || leadingOnes > 7) throw new BitstreamError('FLAC frame header', 'has a bad coded number')
  if (leadingOnes > 1) reader.skip(8 * (leadingOnes - 1))
}
