import { PACKET_BYTES } from './packet.ts'

/** 348 packets, just under 64 KiB: a second of 2.5 Mbit/s takes about five. */
const SLAB_BYTES = 348 * PACKET_BYTES

/** Slabs kept for reuse. More were needed once, by a burst; the collector takes them. */
const MAX_IDLE_SLABS = 8

/**
 * The memory a writer fills with packets. What `take` returned is reused after the next `take`, so a writer in steady
 * state allocates nothing for media.
 */
export class PacketSlabs {
  #slab: Uint8Array = new Uint8Array(SLAB_BYTES)
  #usedBytes = 0
  #full: Uint8Array[] = []
  #lent: Uint8Array[] = []
  readonly #idle: Uint8Array[] = []

  /** The slab that the last `reserve` pointed into. */
  get slab(): Uint8Array {
    return this.#slab
  }

  /** Bytes reserved since the last take. */
  get pendingBytes(): number {
    return this.#full.length * SLAB_BYTES + this.#usedBytes
  }

  /** Room for one packet: its offset in `slab`. Fill all of it, what was there before is still there. */
  reserve(): number {
    if (this.#usedBytes === SLAB_BYTES) {
      this.#full.push(this.#slab)
      this.#slab = this.#idle.pop() ?? new Uint8Array(SLAB_BYTES)
      this.#usedBytes = 0
    }
    const at = this.#usedBytes
    this.#usedBytes += PACKET_BYTES
    return at
  }

  /** All packets since the last take, in order. Valid until the next take. */
  take(): Uint8Array[] {
    for (const slab of this.#lent) if (this.#idle.length < MAX_IDLE_SLABS) this.#idle.push(slab)
    const buffers = this.#full
    this.#lent = [...this.#full, this.#slab]
    if (this.#usedBytes > 0) buffers.push(this.#slab.subarray(0, this.#usedBytes))
    this.#full = []
    this.#slab = this.#idle.pop() ?? new Uint8Array(SLAB_BYTES)
    this.#usedBytes = 0
    return buffers
  }
}
