import { concatBytes } from '../bytes.ts'
import { JpegMarker } from './segments.ts'
import { STANDARD_HUFFMAN_TABLES } from './standard-tables.ts'

/** A baseline image of three components with the standard Huffman tables: what RFC 2435 can carry. */
export interface JfifImage {
  readonly widthPixels: number
  readonly heightPixels: number
  /** Luma samples for each chroma sample: 4:2:2 or 4:2:0. */
  readonly subsampling: '4:2:2' | '4:2:0'
  /** For luma and, where it has its own, chroma: 64 bytes in zigzag order each, or 64 times two. */
  readonly quantizationTables: readonly Uint8Array[]
  /** Minimum coded units between restart markers; 0: none. */
  readonly restartInterval: number
}

const VERSION_1_1_SQUARE_PIXELS = Uint8Array.of(0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
const APP0 = 0xe0

/** All of an image before its coded data. ITU-T T.81 §B.2, RFC 2435 appendix B. */
export function jfifHeader(image: JfifImage): Uint8Array {
  const { widthPixels, heightPixels, subsampling, quantizationTables, restartInterval } = image
  const chromaTable = quantizationTables.length > 1 ? 1 : 0
  return concatBytes([
    Uint8Array.of(0xff, JpegMarker.startOfImage),
    segment(APP0, VERSION_1_1_SQUARE_PIXELS),
    ...quantizationTables.map((table, index) =>
      segment(JpegMarker.quantizationTables, Uint8Array.of((table.length > 64 ? 0x10 : 0) | index), table),
    ),
    ...(restartInterval === 0
      ? []
      : [segment(JpegMarker.restartInterval, Uint8Array.of(restartInterval >> 8, restartInterval))]),
    segment(
      JpegMarker.baseline,
      Uint8Array.of(
        8, // sample precision
        ...[heightPixels >> 8, heightPixels],
        ...[widthPixels >> 8, widthPixels],
        3, // components: identifier, sampling factors, quantization table
        ...[1, subsampling === '4:2:0' ? 0x22 : 0x21, 0],
        ...[2, 0x11, chromaTable],
        ...[3, 0x11, chromaTable],
      ),
    ),
    ...STANDARD_HUFFMAN_TABLES.map((table) => segment(JpegMarker.huffmanTables, table)),
    // Components and their Huffman tables (DC, AC); all coefficients, no approximation.
    segment(JpegMarker.startOfScan, Uint8Array.of(3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0)),
  ])
}

function segment(marker: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = 2 + content.reduce((sum, { length }) => sum + length, 0)
  return concatBytes([Uint8Array.of(0xff, marker, bytes >> 8, bytes), ...content])
}
