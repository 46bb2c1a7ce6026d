import type { AccessUnit } from '#media/access-unit.ts'
import { FLAG_RANDOM_ACCESS, FLAG_REMEMBERED, FLAG_VIDEO, type UnitsMessage } from './messages.ts'

const INITIAL_UNITS = 64
const INITIAL_BYTES = 64 * 1024
/** What has grown beyond this, for a burst, is not kept. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024

/** Access units of all tiles that go to the child together. Its memory is used again and again. */
export class UnitsBatch {
  #tiles = new Uint32Array(INITIAL_UNITS)
  #flags = new Uint8Array(INITIAL_UNITS)
  #dtsMs = new Float64Array(INITIAL_UNITS)
  #ptsMs = new Float64Array(INITIAL_UNITS)
  #arrivedMs = new Float64Array(INITIAL_UNITS)
  #sizes = new Uint32Array(INITIAL_UNITS)
  #bytes = new Uint8Array(INITIAL_BYTES)
  #count = 0
  #byteLength = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  get byteLength(): number {
    return this.#byteLength
  }

  /** Copies the payload: the one copy on its way to the child. */
  add(tile: number, accessUnit: AccessUnit, arrivedMs: number, isRemembered: boolean): void {
    const { format, dts, pts, payloadBytes, memory, payloadStart, isRandomAccess } = accessUnit
    if (this.#count === this.#sizes.length) this.#growUnits()
    const end = this.#byteLength + payloadBytes
    if (end > this.#bytes.length) {
      const bytes = new Uint8Array(2 * end)
      bytes.set(this.#bytes.subarray(0, this.#byteLength))
      this.#bytes = bytes
    }
    this.#bytes.set(memory.subarray(payloadStart, payloadStart + payloadBytes), this.#byteLength)
    this.#byteLength = end
    const at = this.#count++
    this.#tiles[at] = tile
    this.#flags[at] =
      (format.kind === 'video' ? FLAG_VIDEO : 0) |
      (isRandomAccess ? FLAG_RANDOM_ACCESS : 0) |
      (isRemembered ? FLAG_REMEMBERED : 0)
    this.#dtsMs[at] = (dts * 1_000) / format.timescale
    this.#ptsMs[at] = (pts * 1_000) / format.timescale
    this.#arrivedMs[at] = arrivedMs
    this.#sizes[at] = payloadBytes
  }

  /** Valid until something is added or cleared. */
  message(): UnitsMessage {
    const count = this.#count
    return {
      kind: 'units',
      tiles: this.#tiles.subarray(0, count),
      flags: this.#flags.subarray(0, count),
      dtsMs: this.#dtsMs.subarray(0, count),
      ptsMs: this.#ptsMs.subarray(0, count),
      arrivedMs: this.#arrivedMs.subarray(0, count),
      sizes: this.#sizes.subarray(0, count),
      bytes: this.#bytes.subarray(0, this.#byteLength),
    }
  }

  clear(): void {
    this.#count = 0
    this.#byteLength = 0
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES)
  }

  #growUnits(): void {
    const room = 2 * this.#count
    this.#tiles = grown(this.#tiles, new Uint32Array(room))
    this.#flags = grown(this.#flags, new Uint8Array(room))
    this.#dtsMs = grown(this.#dtsMs, new Float64Array(room))
    this.#ptsMs = grown(this.#ptsMs, new Float64Array(room))
    this.#arrivedMs = grown(this.#arrivedMs, new Float64Array(room))
    this.#sizes = grown(this.#sizes, new Uint32Array(room))
  }
}

function grown<Numbers extends Float64Array | Uint32Array | Uint8Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from)
  return into
}
