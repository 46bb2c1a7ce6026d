import { BitstreamError } from '../errors.ts'

/** PCM samples per channel in a payload of 16-bit samples, channels interleaved. @throws {BitstreamError} */
export function l16Samples(payload: Uint8Array, channels: number): number {
  const samples = payload.length / (2 * channels)
  if (!Number.isInteger(samples))
    throw new BitstreamError('L16 payload', `of ${payload.length} bytes is no multiple of ${channels} channels`)
  return samples
}
