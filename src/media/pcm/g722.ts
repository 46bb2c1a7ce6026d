import { BitstreamError } from '../errors.ts'

/** Of the decoded audio. RTP's clock for it runs at half of that, by a mistake that is kept (RFC 3551 §4.5.2). */
export const G722_SAMPLE_RATE_HZ = 16_000

/** PCM samples per channel at 16 kHz in a G.722 payload: an octet is two of them. @throws {BitstreamError} */
export function g722Samples(payload: Uint8Array, channels: number): number {
  const octets = payload.length / channels
  if (!Number.isInteger(octets))
    throw new BitstreamError('G.722 payload', `of ${payload.length} bytes is no multiple of ${channels} channels`)
  return 2 * octets
}
