import { BitstreamError } from './errors.ts'

/** Reads bit fields, most significant bit first. Every read past the end throws BitstreamError naming the subject. */
export class BitReader {
  readonly #bytes: Uint8Array
  readonly #subject: string
  #positionBits = 0

  /** @param subject what is read, for error messages: `H.264 SPS` */
  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes
    this.#subject = subject
  }

  get positionBits(): number {
    return this.#positionBits
  }

  get remainingBits(): number {
    return this.#bytes.length * 8 - this.#positionBits
  }

  /** Unsigned, 0 to 32 bits: u(n) of the specs. */
  u(bits: number): number {
    if (bits > this.remainingBits) throw new BitstreamError(this.#subject, 'ends early')
    let value = 0
    let left = bits
    while (left > 0) {
      const offset = this.#positionBits & 7
      const take = Math.min(8 - offset, left)
      const byte = this.#bytes[this.#positionBits >> 3] ?? 0
      value = value * 2 ** take + ((byte >> (8 - offset - take)) & ((1 << take) - 1))
      this.#positionBits += take
      left -= take
    }
    return value
  }

  flag(): boolean {
    return this.u(1) === 1
  }

  skip(bits: number): void {
    if (bits > this.remainingBits) throw new BitstreamError(this.#subject, 'ends early')
    this.#positionBits += bits
  }

  /** To the next byte boundary. */
  align(): void {
    this.#positionBits = (this.#positionBits + 7) & ~7
  }

  /** Unsigned Exp-Golomb, ue(v). ITU-T H.264 §9.1. At most 32 bits of value. */
  ue(): number {
    let leadingZeros = 0
    while (!this.flag()) {
      if (++leadingZeros > 32) throw new BitstreamError(this.#subject, 'has an Exp-Golomb code of more than 32 bits')
    }
    return 2 ** leadingZeros - 1 + this.u(leadingZeros)
  }

  /** ue(v) that must not exceed `maximum`, so that no loop or allocation grows with hostile input. */
  ueUpTo(maximum: number, name: string): number {
    const value = this.ue()
    if (value > maximum) throw new BitstreamError(this.#subject, `has ${name} ${value}, more than ${maximum}`)
    return value
  }

  /** Signed Exp-Golomb, se(v). ITU-T H.264 §9.1.1. */
  se(): number {
    const code = this.ue()
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2 || 0
  }
}

/** Writes bit fields, most significant bit first. */
export class BitWriter {
  readonly #bytes: number[] = []
  #positionBits = 0

  /** Unsigned, 0 to 32 bits. */
  u(bits: number, value: number): this {
    for (let bit = bits - 1; bit >= 0; bit--) {
      const offset = this.#positionBits & 7
      if (offset === 0) this.#bytes.push(0)
      const last = this.#bytes.length - 1
      if (Math.floor(value / 2 ** bit) % 2 === 1) this.#bytes[last] = (this.#bytes[last] ?? 0) | (0x80 >> offset)
      this.#positionBits++
    }
    return this
  }

  flag(value: boolean): this {
    return this.u(1, value ? 1 : 0)
  }

  /** The bytes so far; unused bits of the last are zero. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }
}
