import type { AccessUnit } from '#media/access-unit.ts'
import type { AudioFormat } from '#media/track.ts'

const INITIAL_UNITS = 32
const INITIAL_BYTES = 8 * 1024
/** What has grown beyond this, for a burst, is not kept. */
const MAX_KEPT_BYTES = 128 * 1024

/** Access units of one source that go to the child together. Its memory is used again and again. */
export class Batch {
  source: AudioFormat | undefined
  /** Everything is to come out after it. */
  isEnd = false
  /** Called once it has been answered, or never will be. */
  settle: (() => void) | undefined
  #positions = new Float64Array(INITIAL_UNITS)
  #sizes = new Uint32Array(INITIAL_UNITS)
  #silent = new Uint8Array(INITIAL_UNITS)
  #bytes = new Uint8Array(INITIAL_BYTES)
  /** All of them, and those that were received. */
  #count = 0
  #units = 0
  #byteLength = 0

  /** That were received: all but silence. */
  get units(): number {
    return this.#units
  }

  get byteLength(): number {
    return this.#byteLength
  }

  get positions(): Float64Array {
    return this.#positions.subarray(0, this.#count)
  }

  get sizes(): Uint32Array {
    return this.#sizes.subarray(0, this.#count)
  }

  /** 1 of silence that nobody sent. */
  get silent(): Uint8Array {
    return this.#silent.subarray(0, this.#count)
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#byteLength)
  }

  /** Copies the payload: the one copy on its way to the child. */
  add(accessUnit: AccessUnit, position: number): void {
    const { payloadBytes, memory, payloadStart, sourceAccessUnits } = accessUnit
    if (this.#count === this.#sizes.length) {
      this.#positions = grown(this.#positions, new Float64Array(2 * this.#count))
      this.#sizes = grown(this.#sizes, new Uint32Array(2 * this.#count))
      this.#silent = grown(this.#silent, new Uint8Array(2 * this.#count))
    }
    const end = this.#byteLength + payloadBytes
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * end))
    this.#bytes.set(memory.subarray(payloadStart, payloadStart + payloadBytes), this.#byteLength)
    this.#byteLength = end
    this.#positions[this.#count] = position
    this.#sizes[this.#count] = payloadBytes
    this.#silent[this.#count] = sourceAccessUnits === 0 ? 1 : 0
    this.#count++
    if (sourceAccessUnits > 0) this.#units++
  }

  clear(): void {
    this.source = undefined
    this.isEnd = false
    this.settle = undefined
    this.#count = 0
    this.#units = 0
    this.#byteLength = 0
    if (this.#bytes.length <= MAX_KEPT_BYTES) return
    this.#bytes = new Uint8Array(INITIAL_BYTES)
    this.#positions = new Float64Array(INITIAL_UNITS)
    this.#sizes = new Uint32Array(INITIAL_UNITS)
    this.#silent = new Uint8Array(INITIAL_UNITS)
  }
}

function grown<Numbers extends Float64Array | Uint32Array | Uint8Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from)
  return into
}
