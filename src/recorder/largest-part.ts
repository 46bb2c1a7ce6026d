import type { ResolvedRequest } from './request-defaults.ts'

/**
 * 32-bit headers count to 4 GiB, and to 13 hours in ticks of 1/90,000 s. A part ends so much before that its last GOP
 * still fits: 256 MiB are 20 s at 100 Mbit/s.
 */
const LARGEST_32_BIT_BYTES = 2 ** 32 - 256 * 1024 ** 2
const LONGEST_32_BIT_SECONDS = 12 * 3600

/** The request's rotation, bounded by what its files can hold. */
export function boundedRotation(
  request: Pick<ResolvedRequest, 'rotateSeconds' | 'rotateBytes' | 'rotateAt' | 'mp4Compatible32' | 'format'>,
): Pick<ResolvedRequest, 'rotateSeconds' | 'rotateBytes' | 'rotateAt'> {
  const { rotateSeconds, rotateBytes, rotateAt, mp4Compatible32, format } = request
  const hasMp4 = format === 'mp4' || format === 'auto'
  if (!mp4Compatible32 || !hasMp4) return { rotateSeconds, rotateBytes, rotateAt }
  return {
    rotateSeconds: Math.min(rotateSeconds || Infinity, LONGEST_32_BIT_SECONDS),
    rotateBytes: Math.min(rotateBytes || Infinity, LARGEST_32_BIT_BYTES),
    rotateAt,
  }
}
