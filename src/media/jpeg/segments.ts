import { BitstreamError } from '../errors.ts'

/** Second byte of the markers Tapedeck acts on. ITU-T T.81 table B.1. */
export const JpegMarker = {
  baseline: 0xc0,
  huffmanTables: 0xc4,
  startOfImage: 0xd8,
  endOfImage: 0xd9,
  startOfScan: 0xda,
  quantizationTables: 0xdb,
  restartInterval: 0xdd,
} as const

/** One marker segment; `content` borrows, without marker and length. */
export interface JpegSegment {
  readonly marker: number
  readonly content: Uint8Array
  /** Where what follows the segment begins: behind a start of scan, the coded data. */
  readonly end: number
}

/** A payload that begins like a JPEG image. Every image stands for itself. */
export function isJpeg(payload: Uint8Array): boolean {
  return payload[0] === 0xff && payload[1] === JpegMarker.startOfImage && payload[2] === 0xff
}

/**
 * The marker segments of an image up to and with its first start of scan. ITU-T T.81 §B.1.1.
 * @throws {BitstreamError}
 */
export function* jpegSegments(image: Uint8Array): Generator<JpegSegment> {
  if (!isJpeg(image)) throw new BitstreamError('JPEG image', 'does not begin with SOI')
  for (let at = 2; ; ) {
    if (image[at] !== 0xff) throw new BitstreamError('JPEG image', 'has no marker where one must be')
    const marker = image[at + 1]
    if (marker === 0xff) {
      at++ // fill bytes may precede a marker
      continue
    }
    const bytes = ((image[at + 2] ?? 0) << 8) | (image[at + 3] ?? 0)
    const end = at + 2 + bytes
    if (marker === undefined || bytes < 2 || end > image.length) throw new BitstreamError('JPEG image', 'ends early')
    yield { marker, content: image.subarray(at + 4, end), end }
    if (marker === JpegMarker.startOfScan) return
    at = end
  }
}
