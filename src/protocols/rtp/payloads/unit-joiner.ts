import type { UnitSink } from './payload-format.ts'

/**
 * Access units parted over packets at any byte: what has one timestamp is one access unit, which ends where the format
 * says, and with the next timestamp in any case. Keeps account of what losses touch.
 */
export class UnitJoiner {
  readonly #sink: UnitSink
  #isOpen = false
  #timestamp = 0
  #isDamaged = false
  #followsLoss = false

  constructor(sink: UnitSink) {
    this.#sink = sink
  }

  /** Packets of the access unit came, and it has not ended. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The open access unit has this time. */
  isAt(timestamp: number): boolean {
    return this.#isOpen && this.#timestamp === timestamp
  }

  /** Bytes of the open access unit. */
  get length(): number {
    return this.#sink.length
  }

  /**
   * A packet begins.
   * @param isStart it can be the first of an access unit
   * @returns true: an access unit begins with it
   */
  packet(timestamp: number, lostBefore: number, isStart: boolean): boolean {
    if (this.#isOpen && this.#timestamp !== timestamp) {
      // The end of the open unit may be among what is missing.
      if (lostBefore > 0) this.#isDamaged = true
      this.end()
    }
    if (this.#isOpen) {
      if (lostBefore > 0) this.#isDamaged = true
      return false
    }
    this.#isOpen = true
    this.#timestamp = timestamp
    if (lostBefore > 0) this.#followsLoss = true
    if (!isStart) this.#isDamaged = true
    return true
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (end > start) this.#sink.append(bytes, start, end)
  }

  /** Something in the packet could not be used. */
  damaged(): void {
    this.#isDamaged = true
  }

  /** The open access unit is complete. */
  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const isDamaged = this.#isDamaged
    this.#isDamaged = false
    if (this.#sink.length === 0) {
      if (isDamaged) this.#followsLoss = true
      return
    }
    this.#sink.finish({ rtpTimestamp: this.#timestamp, isDamaged, followsLoss: this.#followsLoss })
    this.#followsLoss = false
  }

  /** An access unit that is whole in one packet, or one of several there. */
  whole(timestamp: number, lostBefore: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isOpen) {
      // Its end never came.
      this.#isDamaged = true
      this.end()
    }
    this.packet(timestamp, lostBefore, true)
    this.append(bytes, start, end)
    this.end()
  }
}
