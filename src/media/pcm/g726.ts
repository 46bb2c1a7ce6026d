import { CodecConfigurationError } from '../errors.ts'

/** Bits of a code word: 16, 24, 32 and 40 kbit/s at 8 kHz (ITU-T G.726 §1). */
export type G726Bits = 2 | 3 | 4 | 5

/** @throws {CodecConfigurationError} */
export function parseG726Bits(configuration: Uint8Array): G726Bits {
  const [bits] = configuration
  if (configuration.length === 1 && (bits === 2 || bits === 3 || bits === 4 || bits === 5)) return bits
  throw new CodecConfigurationError('g726', 'is not the bits of a code word, 2 to 5')
}

/** PCM samples per channel in a G.726 payload. Bits that make no whole code word count for nothing. */
export function g726Samples(payload: Uint8Array, bits: G726Bits, channels: number): number {
  return Math.floor((payload.length * 8) / bits / channels)
}
