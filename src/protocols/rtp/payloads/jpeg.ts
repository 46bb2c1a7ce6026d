import { copyOf } from '#media/bytes.ts'
import { BitstreamError } from '#media/errors.ts'
import { jfifHeader } from '#media/jpeg/jfif-header.ts'
import { parseJfif } from '#media/jpeg/parse-jfif.ts'
import { JpegMarker } from '#media/jpeg/segments.ts'
import { BASE_QUANTIZATION } from '#media/jpeg/standard-tables.ts'
import type { RtpPacket } from '../packet.ts'
import { u16 } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** Type-specific, fragment offset, type, Q, width and height (RFC 2435 §3.1). */
const MAIN_HEADER_BYTES = 8
const RESTART_HEADER_BYTES = 4
const TABLES_HEADER_BYTES = 4
/** Types from here on have restart markers, and a header about them (§3.1.7). */
const FIRST_RESTART_TYPE = 64
/** Q from here on: the tables come in the packet, at least in some (§3.1.8). */
const FIRST_DYNAMIC_Q = 128
/** Q whose tables may differ from image to image, so that each has its own. */
const CHANGING_Q = 255
/** Width and height are told in blocks of eight in a byte. */
const MAX_TOLD_PIXELS = 255 * 8
/** Whole images, all restart intervals together (§3.1.7). */
const WHOLE_IMAGE_RESTARTS = 0xffff
/** Profile of the header extension that begins like an image. */
const ONVIF_JPEG_EXTENSION = 0xffd8
const END_OF_IMAGE = Uint8Array.of(0xff, 0xd9)
const NO_CONFIGURATION = new Uint8Array(0)
const NO_TABLE = new Uint8Array(0)

/** RTP payload format for JPEG (RFC 2435): images without their headers, which are rebuilt. */
export const jpegPayload: PayloadFormat = {
  encoding: 'JPEG',
  codec: 'jpeg',
  kind: 'video',
  depacketizer: (options) => new JpegDepacketizer(options),
  packetizer: () => new JpegPacketizer(),
  clockRateHz: () => 90_000,
  parameters: () => '',
}

class JpegDepacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner
  readonly #configured: DepacketizerOptions['configured']
  readonly #tablesOfQ = new Map<number, readonly Uint8Array[]>()
  #headerBytes = 0
  #endsWithMarker = false
  #size = ''

  constructor({ sink, configured }: DepacketizerOptions) {
    this.#joiner = new UnitJoiner(sink)
    this.#configured = configured
  }

  push(packet: RtpPacket, lostBefore: number): void {
    const { bytes, payloadStart, payloadEnd, timestamp, marker } = packet
    if (payloadEnd - payloadStart < MAIN_HEADER_BYTES) return
    const joiner = this.#joiner
    const offset = ((bytes[payloadStart + 1] ?? 0) << 16) | u16(bytes, payloadStart + 2)
    if (!joiner.isAt(timestamp)) {
      if (lostBefore > 0 && joiner.isOpen) joiner.damaged()
      this.#end()
    }
    if (joiner.packet(timestamp, lostBefore, offset === 0)) this.#headerBytes = 0
    const at = offset === 0 ? this.#begin(packet) : scanStart(bytes, payloadStart)
    if (at === undefined || at > payloadEnd || this.#headerBytes === 0) joiner.damaged()
    else {
      if (joiner.length !== this.#headerBytes + offset) joiner.damaged()
      joiner.append(bytes, at, payloadEnd)
      this.#endsWithMarker = bytes[payloadEnd - 2] === END_OF_IMAGE[0] && bytes[payloadEnd - 1] === END_OF_IMAGE[1]
    }
    if (marker) this.#end()
  }

  flush(): void {
    this.#end()
  }

  #end(): void {
    if (this.#joiner.length > 0 && !this.#endsWithMarker) this.#joiner.append(END_OF_IMAGE, 0, END_OF_IMAGE.length)
    this.#joiner.end()
  }

  /** Writes the header that the first packet describes; gives where the coded data begin, undefined when it can't be used. */
  #begin(packet: RtpPacket): number | undefined {
    const { bytes, payloadStart, payloadEnd } = packet
    if (this.#headerBytes > 0) return undefined
    const type = bytes[payloadStart + 4] ?? 0
    const q = bytes[payloadStart + 5] ?? 0
    const told = [8 * (bytes[payloadStart + 6] ?? 0), 8 * (bytes[payloadStart + 7] ?? 0)] as const
    const [widthPixels, heightPixels] = told.includes(0) ? largeSize(packet) : told
    const hasRestarts = type >= FIRST_RESTART_TYPE
    const kind = hasRestarts ? type - FIRST_RESTART_TYPE : type
    if (kind > 1 || widthPixels === 0 || heightPixels === 0) return undefined
    const restartInterval = hasRestarts ? u16(bytes, payloadStart + MAIN_HEADER_BYTES) : 0
    const at = payloadStart + MAIN_HEADER_BYTES + (hasRestarts ? RESTART_HEADER_BYTES : 0)
    const tablesBytes = q >= FIRST_DYNAMIC_Q ? TABLES_HEADER_BYTES + u16(bytes, at + 2) : 0
    if (at + tablesBytes > payloadEnd) return undefined
    const tables =
      q >= FIRST_DYNAMIC_Q
        ? this.#tables(q, bytes[at + 1] ?? 0, bytes.subarray(at + TABLES_HEADER_BYTES, at + tablesBytes))
        : scaledTables(q)
    if (tables === undefined) return undefined
    const subsampling = kind === 0 ? '4:2:2' : '4:2:0'
    const header = jfifHeader({ widthPixels, heightPixels, subsampling, quantizationTables: tables, restartInterval })
    this.#tellSize(widthPixels, heightPixels)
    this.#joiner.append(header, 0, header.length)
    this.#headerBytes = header.length
    return at + tablesBytes
  }

  /** Tables in the packet, or those that came earlier for the same Q (§3.1.8). */
  #tables(q: number, precision: number, content: Uint8Array): readonly Uint8Array[] | undefined {
    if (content.length === 0) return this.#tablesOfQ.get(q)
    const tables: Uint8Array[] = []
    for (let at = 0; at < content.length && tables.length < 2; ) {
      const bytes = ((precision >> tables.length) & 1) === 0 ? 64 : 128
      if (at + bytes > content.length) return undefined
      tables.push(content.subarray(at, at + bytes))
      at += bytes
    }
    if (q < CHANGING_Q) this.#tablesOfQ.set(q, tables.map(copyOf))
    return tables
  }

  #tellSize(widthPixels: number, heightPixels: number): void {
    const size = `${widthPixels}x${heightPixels}`
    if (size === this.#size) return
    this.#size = size
    this.#configured(NO_CONFIGURATION, { widthPixels, heightPixels })
  }
}

/**
 * Width and height of images beyond 2040 pixels, which are told as 0: cameras add the frame header in a header
 * extension (ONVIF Streaming Specification §5.1.3.2). Zeros when they don't.
 */
function largeSize(packet: RtpPacket): readonly [widthPixels: number, heightPixels: number] {
  const { bytes, extensionProfile, extensionStart, extensionEnd } = packet
  if (extensionProfile !== ONVIF_JPEG_EXTENSION) return [0, 0]
  for (let at = extensionStart; at + 9 <= extensionEnd && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1] ?? 0
    if (marker === JpegMarker.baseline) return [u16(bytes, at + 7), u16(bytes, at + 5)]
    at += marker === 0xff ? 1 : marker === JpegMarker.startOfImage ? 2 : 2 + u16(bytes, at + 2)
  }
  return [0, 0]
}

/** Of a packet that is not an image's first. */
function scanStart(bytes: Uint8Array, payloadStart: number): number {
  const hasRestarts = (bytes[payloadStart + 4] ?? 0) >= FIRST_RESTART_TYPE
  return payloadStart + MAIN_HEADER_BYTES + (hasRestarts ? RESTART_HEADER_BYTES : 0)
}

/** The tables of a quality from 1 to 99 (appendix A); undefined when it is none. */
function scaledTables(q: number): readonly Uint8Array[] | undefined {
  if (q === 0 || q > 99) return undefined
  const factor = q < 50 ? Math.floor(5000 / q) : 200 - 2 * q
  return BASE_QUANTIZATION.map((base) =>
    base.map((value) => Math.min(255, Math.max(1, Math.floor((value * factor + 50) / 100)))),
  )
}

/** Images with tables of their own in each: Q 255. */
class JpegPacketizer implements Packetizer {
  /** @throws {BitstreamError} of a kind that RFC 2435 can't carry: too large, progressive, other subsampling or Huffman tables */
  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    const image = parseJfif(accessUnit)
    const { widthPixels, heightPixels, subsampling, restartInterval, scan } = image
    // Receivers expect two tables (FFmpeg says so), even where chroma has the same.
    const [luma = NO_TABLE, chroma = luma] = image.quantizationTables
    const quantizationTables = [luma, chroma]
    if (Math.max(widthPixels, heightPixels) > MAX_TOLD_PIXELS) {
      throw new BitstreamError('JPEG image', `of ${widthPixels}x${heightPixels} is too large for RTP`)
    }
    const type = (subsampling === '4:2:0' ? 1 : 0) + (restartInterval > 0 ? FIRST_RESTART_TYPE : 0)
    const restarts =
      restartInterval > 0
        ? [restartInterval >> 8, restartInterval, WHOLE_IMAGE_RESTARTS >> 8, WHOLE_IMAGE_RESTARTS]
        : []
    const precision = quantizationTables.reduce((bits, { length }, index) => bits | (length > 64 ? 1 << index : 0), 0)
    const tableBytes = quantizationTables.reduce((sum, { length }) => sum + length, 0)
    const tables = [0, precision, tableBytes >> 8, tableBytes, ...quantizationTables.flatMap((table) => [...table])]
    for (let at = 0; at < scan.length || at === 0; ) {
      const main = [0, at >> 16, at >> 8, at, type, CHANGING_Q, Math.ceil(widthPixels / 8), Math.ceil(heightPixels / 8)]
      const headers = Uint8Array.from([...main, ...restarts, ...(at === 0 ? tables : [])])
      const piece = scan.subarray(at, at + maxPayloadBytes - headers.length)
      const payload = new Uint8Array(headers.length + piece.length)
      payload.set(headers)
      payload.set(piece, headers.length)
      at += piece.length
      emit(payload, at >= scan.length)
      if (piece.length === 0) return
    }
  }
}
