import { BitstreamError } from '../errors.ts'

/** PCM samples per channel in a G.711 payload: one byte a sample, channels interleaved. @throws {BitstreamError} */
export function g711Samples(payload: Uint8Array, channels: number): number {
  const samples = payload.length / channels
  if (!Number.isInteger(samples))
    throw new BitstreamError('G.711 payload', `of ${payload.length} bytes is no multiple of ${channels} channels`)
  return samples
}
