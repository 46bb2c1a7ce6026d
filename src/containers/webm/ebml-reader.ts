/** What stands before an element's content. */
export interface ElementHeader {
  readonly id: number
  /** Where the content begins, in the bytes that were read. */
  readonly contentAt: number
  readonly contentBytes: number
}

/** An element found whole. */
export interface FoundElement {
  readonly id: number
  /** With its header. Borrowed. */
  readonly bytes: Uint8Array
  /** Borrowed. */
  readonly content: Uint8Array
}

/** Longest id and longest size field that Matroska allows: RFC 9559. */
export const MAX_HEADER_BYTES = 4 + 8

/** The header at this place; undefined when there is none of a known size. RFC 8794 §5 and §6. */
export function readHeader(bytes: Uint8Array, at: number): ElementHeader | undefined {
  const idBytes = lengthOf(bytes[at])
  const sizeAt = at + idBytes
  const sizeBytes = lengthOf(bytes[sizeAt])
  const contentAt = sizeAt + sizeBytes
  if (idBytes > 4 || sizeBytes > 8 || contentAt > bytes.length) return undefined
  const marker = 2 ** (8 - sizeBytes)
  let contentBytes = (bytes[sizeAt] ?? 0) - marker
  let isUnknown = contentBytes === marker - 1
  for (let i = sizeAt + 1; i < contentAt; i++) {
    const byte = bytes[i] ?? 0
    contentBytes = contentBytes * 256 + byte
    isUnknown &&= byte === 0xff
  }
  if (isUnknown || !Number.isSafeInteger(contentBytes)) return undefined
  return { id: readUint(bytes.subarray(at, sizeAt)), contentAt, contentBytes }
}

/** The elements that follow each other here, up to the first that is not whole. */
export function* readElements(bytes: Uint8Array): Generator<FoundElement> {
  for (let at = 0; at < bytes.length; ) {
    const header = readHeader(bytes, at)
    if (header === undefined) return
    const { id, contentAt, contentBytes } = header
    const end = contentAt + contentBytes
    if (end > bytes.length) return
    yield { id, bytes: bytes.subarray(at, end), content: bytes.subarray(contentAt, end) }
    at = end
  }
}

/** An unsigned integer's content. RFC 8794 §7.2. */
export function readUint(content: Uint8Array): number {
  let value = 0
  for (const byte of content) value = value * 256 + byte
  return value
}

/** Bytes of the variable-size integer that begins so; 9 when none does. */
function lengthOf(first: number | undefined): number {
  return first === undefined ? 9 : Math.clz32(first) - 24 + 1
}
