/** FLV tags. Adobe FLV 10.1, annex E.3 and E.4. */
export const TagType = { audio: 8, video: 9, scriptAmf3: 15, script: 18, reserve: 31 } as const
/* `reserve` is one of the tag types that the specification reserves; every reader skips it by its size. It holds the
   room behind onMetaData and the checkpoints. 31 is no RTMP message type either, so relays don't mistake it.
   `scriptAmf3` is of enhanced RTMP; readers that don't know it skip it. */

export const TAG_HEADER_BYTES = 11
export const PREVIOUS_TAG_SIZE_BYTES = 4

/** Bytes of a tag besides its body. */
export const TAG_FRAMING_BYTES = TAG_HEADER_BYTES + PREVIOUS_TAG_SIZE_BYTES

export interface TagHeader {
  readonly type: number
  readonly bodyBytes: number
  readonly timestampMs: number
}

/** Writes the 11 bytes before a tag's body. E.4.1. */
export function writeTagHeader(
  out: Uint8Array,
  at: number,
  type: number,
  bodyBytes: number,
  timestampMs: number,
): void {
  out[at] = type // Filter 0, TagType
  writeU24(out, at + 1, bodyBytes) // DataSize
  writeU24(out, at + 4, timestampMs) // Timestamp
  out[at + 7] = (timestampMs >>> 24) & 0xff // TimestampExtended
  out[at + 8] = 0 // StreamID
  out[at + 9] = 0
  out[at + 10] = 0
}

/** PreviousTagSize, which follows every tag. E.3. */
export function writePreviousTagSize(out: Uint8Array, at: number, bodyBytes: number): void {
  const size = TAG_HEADER_BYTES + bodyBytes
  out[at] = size >>> 24
  writeU24(out, at + 1, size)
}

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(TagType))

/** Reads a tag header of the kind written here, or undefined when these 11 bytes are none. */
export function readTagHeader(bytes: Uint8Array, at: number): TagHeader | undefined {
  if (at + TAG_HEADER_BYTES > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, TAG_HEADER_BYTES)
  const type = view.getUint8(0)
  if (!KNOWN_TYPES.has(type) || (view.getUint32(7) & 0xff_ffff) !== 0) return undefined // StreamID
  return {
    type,
    bodyBytes: view.getUint32(0) & 0xff_ffff,
    timestampMs: ((view.getUint8(7) << 24) | (view.getUint32(3) & 0xff_ffff)) >>> 0,
  }
}

/** Whether the 4 bytes at `at` are the PreviousTagSize of a tag with this body. */
export function isPreviousTagSize(bytes: Uint8Array, at: number, bodyBytes: number): boolean {
  if (at + PREVIOUS_TAG_SIZE_BYTES > bytes.length) return false
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, PREVIOUS_TAG_SIZE_BYTES)
  return view.getUint32(0) === TAG_HEADER_BYTES + bodyBytes
}

/** A whole tag with its PreviousTagSize. */
export function tagBytes(type: number, timestampMs: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TAG_FRAMING_BYTES + body.length)
  writeTagHeader(bytes, 0, type, body.length, timestampMs)
  bytes.set(body, TAG_HEADER_BYTES)
  writePreviousTagSize(bytes, TAG_HEADER_BYTES + body.length, body.length)
  return bytes
}

function writeU24(out: Uint8Array, at: number, value: number): void {
  out[at] = (value >>> 16) & 0xff
  out[at + 1] = (value >>> 8) & 0xff
  out[at + 2] = value & 0xff
}
