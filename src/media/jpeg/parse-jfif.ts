import { bytesEqual } from '../bytes.ts'
import { BitstreamError } from '../errors.ts'
import type { JfifImage } from './jfif-header.ts'
import { JpegMarker, jpegSegments } from './segments.ts'
import { STANDARD_HUFFMAN_TABLES } from './standard-tables.ts'

const SUBJECT = 'JPEG image'

/** An image as RFC 2435 sees it; all borrows. */
export interface ParsedJfif extends JfifImage {
  /** The coded data, without EOI. */
  readonly scan: Uint8Array
}

/**
 * Takes an image apart, which must be of the kind that {@link JfifImage} describes.
 * @throws {BitstreamError} it is another kind, or damaged
 */
export function parseJfif(image: Uint8Array): ParsedJfif {
  const tables = new Map<number, Uint8Array>()
  let frame: Uint8Array | undefined
  let restartInterval = 0
  let scanStart = 0
  for (const { marker, content, end } of jpegSegments(image)) {
    if (marker === JpegMarker.quantizationTables) readQuantization(content, tables)
    else if (marker === JpegMarker.huffmanTables) checkHuffman(content)
    else if (marker === JpegMarker.restartInterval) restartInterval = u16(content, 0)
    else if (isFrameHeader(marker)) {
      if (marker !== JpegMarker.baseline) throw new BitstreamError(SUBJECT, 'is not of the baseline process')
      frame = content
    }
    scanStart = end
  }
  if (frame === undefined) throw new BitstreamError(SUBJECT, 'has no frame header')
  const isEnded = image.at(-2) === 0xff && image.at(-1) === JpegMarker.endOfImage
  const scan = image.subarray(scanStart, isEnded ? -2 : image.length)
  return { ...readFrame(frame, tables), restartInterval, scan }
}

function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== JpegMarker.huffmanTables && marker !== 0xc8 && marker !== 0xcc
}

/** T.81 §B.2.4.1. */
function readQuantization(content: Uint8Array, tables: Map<number, Uint8Array>): void {
  for (let at = 0; at < content.length; ) {
    const first = content[at] ?? 0
    const bytes = first >> 4 === 0 ? 64 : 128
    if (at + 1 + bytes > content.length) throw new BitstreamError(SUBJECT, 'has a torn quantization table')
    tables.set(first & 15, content.subarray(at + 1, at + 1 + bytes))
    at += 1 + bytes
  }
}

/** T.81 §B.2.4.2. */
function checkHuffman(content: Uint8Array): void {
  for (let at = 0; at < content.length; ) {
    let bytes = 17
    for (let i = 1; i <= 16; i++) bytes += content[at + i] ?? 0
    const table = content.subarray(at, at + bytes)
    if (!STANDARD_HUFFMAN_TABLES.some((standard) => bytesEqual(standard, table))) {
      throw new BitstreamError(SUBJECT, 'has Huffman tables of its own')
    }
    at += bytes
  }
}

/** T.81 §B.2.2. */
function readFrame(frame: Uint8Array, tables: ReadonlyMap<number, Uint8Array>) {
  const [
    ,
    ,
    ,
    ,
    ,
    components,
    ,
    lumaSampling,
    lumaTable = 0,
    ,
    blueSampling,
    chromaTable = 0,
    ,
    redSampling,
    redTable,
  ] = frame
  const is420 = lumaSampling === 0x22
  const isKnown = components === 3 && (is420 || lumaSampling === 0x21) && blueSampling === 0x11 && redSampling === 0x11
  if (!isKnown || frame.length < 15 || chromaTable !== redTable) {
    throw new BitstreamError(SUBJECT, 'is neither 4:2:2 nor 4:2:0')
  }
  const luma = tables.get(lumaTable)
  const chroma = tables.get(chromaTable)
  if (luma === undefined || chroma === undefined) throw new BitstreamError(SUBJECT, 'lacks a quantization table')
  return {
    widthPixels: u16(frame, 3),
    heightPixels: u16(frame, 1),
    subsampling: is420 ? ('4:2:0' as const) : ('4:2:2' as const),
    quantizationTables: lumaTable === chromaTable ? [luma] : [luma, chroma],
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
