import type { UnitFacts, UnitSink } from '#protocols/rtp/payloads/payload-format.ts'
import { Scratch } from '#protocols/rtp/payloads/scratch.ts'

/** Access units put together in memory of their own; each is borrowed by whoever takes it. */
export class UnitBuffer implements UnitSink {
  readonly #scratch = new Scratch()
  readonly #unit: (bytes: Uint8Array, facts: UnitFacts) => void

  constructor(unit: (bytes: Uint8Array, facts: UnitFacts) => void) {
    this.#unit = unit
  }

  get length(): number {
    return this.#scratch.length
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.#scratch.append(bytes, start, end)
  }

  reserve(bytes: number): number {
    const at = this.#scratch.length
    this.#scratch.append(new Uint8Array(bytes), 0, bytes)
    return at
  }

  setUint32(offset: number, value: number): void {
    for (let i = 0; i < 4; i++) this.setUint8(offset + i, (value >>> (24 - 8 * i)) & 0xff)
  }

  setUint8(offset: number, value: number): void {
    const { bytes } = this.#scratch
    if (offset < bytes.length) bytes[offset] = value
  }

  finish(facts: UnitFacts): void {
    // What is not whole is not wanted either: nothing that large is media.
    if (!this.#scratch.overflowed) this.#unit(this.#scratch.bytes, facts)
    this.abandon()
  }

  abandon(): void {
    this.#scratch.clear()
  }
}
