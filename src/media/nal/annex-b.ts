import { lengthPrefixedUnits } from './length-prefixed.ts'

/** The four-byte form is legal everywhere; the three-byte form is not before the first unit. H.264 annex B.1.2. */
const START_CODE = Uint8Array.of(0, 0, 0, 1)

/**
 * The NAL units of a byte stream, borrowed: between start codes, without the zero bytes around them. Bytes before the
 * first start code are not a NAL unit and are skipped. ITU-T H.264 and H.265 annex B.2.
 */
export function* annexBUnits(bytes: Uint8Array): Generator<Uint8Array> {
  let start = nextStartCode(bytes, 0)
  while (start < bytes.length) {
    const unitStart = start + 3
    const next = nextStartCode(bytes, unitStart)
    let end = next
    while (end > unitStart && bytes[end - 1] === 0) end-- // trailing_zero_8bits, or the zero_byte of the next
    if (end > unitStart) yield bytes.subarray(unitStart, end)
    start = next
  }
}

/** Position of the next 00 00 01, or the end. */
function nextStartCode(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(1, from + 2); at >= 0; at = bytes.indexOf(1, at + 1)) {
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) return at - 2
  }
  return bytes.length
}

/** What an access unit needs besides its own NAL units to stand in a byte stream. */
export interface AnnexBOptions {
  readonly lengthSize: number
  /** Access unit delimiter NAL unit, put first unless the payload brings its own. */
  readonly delimiter: Uint8Array
  /** Parameter sets, put after the delimiter unless the payload brings an SPS. Empty: none. */
  readonly parameterSets: readonly Uint8Array[]
  readonly isDelimiter: (firstByte: number) => boolean
  readonly isSps: (firstByte: number) => boolean
}

/**
 * An access unit as slices of a byte stream: start code, unit, start code, unit … The units are borrowed from the
 * payload, so nothing is copied.
 * @throws {BitstreamError}
 */
export function toAnnexB(payload: Uint8Array, options: AnnexBOptions): Uint8Array[] {
  const slices: Uint8Array[] = []
  let bringsSps = false
  let delimiter = options.delimiter
  for (const unit of lengthPrefixedUnits(payload, options.lengthSize)) {
    const firstByte = unit[0] ?? 0
    if (options.isDelimiter(firstByte)) {
      delimiter = unit // must come first, and only once: H.264 §7.4.1.2.3
      continue
    }
    if (options.isSps(firstByte)) bringsSps = true
    slices.push(START_CODE, unit)
  }
  const before = bringsSps ? [delimiter] : [delimiter, ...options.parameterSets]
  return [...before.flatMap((unit) => [START_CODE, unit]), ...slices]
}
