import type { UnitFacts, UnitSink } from './payload-format.ts'

/** Access units collected in memory, for the tests of payload formats. */
export class ArraySink implements UnitSink {
  readonly units: { readonly bytes: Uint8Array; readonly facts: UnitFacts }[] = []
  #bytes: number[] = []

  get length(): number {
    return this.#bytes.length
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    for (const byte of bytes.subarray(start, end)) this.#bytes.push(byte)
  }

  reserve(bytes: number): number {
    const at = this.#bytes.length
    for (let i = 0; i < bytes; i++) this.#bytes.push(0)
    return at
  }

  setUint32(offset: number, value: number): void {
    this.#bytes.splice(offset, 4, (value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
  }

  setUint8(offset: number, value: number): void {
    this.#bytes[offset] = value
  }

  finish(facts: UnitFacts): void {
    this.units.push({ bytes: Uint8Array.from(this.#bytes), facts })
    this.#bytes = []
  }

  abandon(): void {
    this.#bytes = []
  }
}
