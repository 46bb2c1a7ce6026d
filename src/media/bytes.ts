import { BitstreamError } from './errors.ts'

/** Reads big-endian integers and slices. Every read past the end throws BitstreamError naming the subject. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #subject: string
  #position = 0

  /** @param subject what is read, for error messages: `avcC` */
  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes
    this.#subject = subject
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  u8(): number {
    return this.#unsigned(1)
  }

  u16(): number {
    return this.#unsigned(2)
  }

  u24(): number {
    return this.#unsigned(3)
  }

  u32(): number {
    return this.#unsigned(4)
  }

  /** Borrows: the slice shares memory with the input. */
  slice(bytes: number): Uint8Array {
    if (bytes > this.remaining) throw new BitstreamError(this.#subject, 'ends early')
    this.#position += bytes
    return this.#bytes.subarray(this.#position - bytes, this.#position)
  }

  #unsigned(bytes: number): number {
    let value = 0
    for (const byte of this.slice(bytes)) value = value * 256 + byte
    return value
  }
}

/** Copies the pieces, in order, into one array. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  const whole = new Uint8Array(bytes)
  let position = 0
  for (const piece of pieces) {
    whole.set(piece, position)
    position += piece.length
  }
  return whole
}

/** A copy with memory of its own. `bytes.slice()` would not be one when `bytes` is a Buffer: its slice() borrows. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

/** Compares content, not identity. Not for secrets: it stops at the first difference. */
export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false
  return true
}

/** Whether the one begins with the other, whichever is longer. */
export function startsAlike(left: Uint8Array, right: Uint8Array): boolean {
  const bytes = Math.min(left.length, right.length)
  return bytesEqual(left.subarray(0, bytes), right.subarray(0, bytes))
}

/** True when `bytes` begins with the ASCII characters of `text`. */
export function startsWithAscii(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}

/** Big-endian bytes of small integers, for building records: `be(2, 0x1234)` gives 12 34. */
export function be(bytes: number, value: number): Uint8Array {
  const out = new Uint8Array(bytes)
  for (let i = bytes - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256
  return out
}

/** Copies `source[start, end)` to `target` at `to`, without a view of the source in between. */
export function copyInto(target: Uint8Array, to: number, source: Uint8Array, start: number, end: number): void {
  Buffer.prototype.copy.call(source, target, to, start, end)
}
