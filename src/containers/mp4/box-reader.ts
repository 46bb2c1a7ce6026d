import { DamagedError } from '#containers/errors.ts'

/** A box found in memory: `bytes` is all of it, `content` what follows the header. */
export interface FoundBox {
  readonly type: string
  readonly bytes: Uint8Array
  readonly content: Uint8Array
}

/** The header of a box somewhere in a file. */
export interface BoxHeader {
  readonly type: string
  readonly headerBytes: number
  /** Header and content. Infinity: size 0, up to the end of the file. */
  readonly sizeBytes: number
}

/** Header of a box without largesize: the fewest bytes that can be one. */
export const BOX_HEADER_BYTES = 8

/** Header of a box with largesize: the most that parseBoxHeader may need. */
export const MAX_BOX_HEADER_BYTES = 16

/** ISO/IEC 14496-12 §4.2. Undefined when there are too few bytes, or they can't begin a box. */
export function parseBoxHeader(bytes: Uint8Array): BoxHeader | undefined {
  if (bytes.length < BOX_HEADER_BYTES) return undefined
  const view = viewOf(bytes)
  const type = typeAt(bytes, 4)
  const size = view.getUint32(0)
  if (size === 0)
    return isPlausibleType(type) ? { type, headerBytes: 8, sizeBytes: Number.POSITIVE_INFINITY } : undefined
  if (size === 1) {
    if (bytes.length < 16) return undefined
    const sizeBytes = Number(view.getBigUint64(8))
    return sizeBytes < 16 ? undefined : { type, headerBytes: 16, sizeBytes }
  }
  return size < 8 ? undefined : { type, headerBytes: 8, sizeBytes: size }
}

/** The boxes that fill `content`, in order. @throws {DamagedError} one reaches beyond its parent */
export function childBoxes(content: Uint8Array, parent: string): FoundBox[] {
  const children: FoundBox[] = []
  let at = 0
  while (at + 8 <= content.length) {
    const header = parseBoxHeader(content.subarray(at))
    if (header === undefined || at + header.sizeBytes > content.length) {
      throw new DamagedError('MP4', `a box inside ${parent} does not fit into it`)
    }
    const bytes = content.subarray(at, at + header.sizeBytes)
    children.push({ type: header.type, bytes, content: bytes.subarray(header.headerBytes) })
    at += header.sizeBytes
  }
  return children
}

/** Content of the only child of that type, undefined without one. */
export function findChild(children: readonly FoundBox[], type: string): Uint8Array | undefined {
  return children.find((child) => child.type === type)?.content
}

/** @throws {DamagedError} no such child, or shorter than `minimumBytes` */
export function requireChild(children: readonly FoundBox[], type: string, minimumBytes: number): Uint8Array {
  const content = findChild(children, type)
  if (content === undefined) throw new DamagedError('MP4', `the box ${type} is missing`)
  if (content.length < minimumBytes) throw new DamagedError('MP4', `the box ${type} is too short`)
  return content
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

export const typeAt = (bytes: Uint8Array, at: number): string =>
  String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0)

/** 64-bit field as a double; beyond 2^53 nothing we meet is exact, nor real. */
export const uint64At = (view: DataView, at: number): number => Number(view.getBigUint64(at))

/** Runs a parser; fields that reach beyond their box (DataView's own bounds check) are damage, too. */
export function parsing<Value>(what: string, parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RangeError) throw new DamagedError('MP4', `${what} is shorter than its fields`)
    throw error
  }
}

const isPlausibleType = (type: string): boolean => /^[ -~]{4}$/.test(type)
