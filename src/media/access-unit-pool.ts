import { AccessUnit, type AccessUnitTiming } from './access-unit.ts'
import type { Reservation } from './payload-memory.ts'
import type { TrackFormat } from './track.ts'

/**
 * A released object rests until this many others were released after it. A release too many then meets an object
 * without references, and throws, instead of taking the memory of another access unit away.
 */
const RESTING = 4_096

/** A power of two above RESTING; what is released beyond it goes to the garbage collector. */
const CAPACITY = 8_192

/**
 * Makes access units from the objects of released ones. They live for a GOP, so that the garbage collector would copy
 * each of them twice and then sweep it from the old generation: a fifth of all CPU time, measured with 100 streams.
 */
export class AccessUnitPool {
  readonly #resting: (AccessUnit | undefined)[] = new Array<AccessUnit | undefined>(CAPACITY).fill(undefined)
  #head = 0
  #count = 0

  /** Takes over the reservation's reference to its chunk. */
  make(format: TrackFormat, timing: AccessUnitTiming, reservation: Reservation): AccessUnit {
    return this.#rested()?.revive(format, timing, reservation) ?? new AccessUnit(format, timing, reservation, this)
  }

  /**
   * The same payload in another stream: both keep it, and it goes back when both are released. The caller holds the new
   * one's only reference.
   * @param shiftTicks added to its times
   */
  share(source: AccessUnit, format: TrackFormat, shiftTicks: number): AccessUnit {
    const accessUnit = this.#rested() ?? new AccessUnit(format, source, undefined, this)
    return accessUnit.reviveShared(source, format, shiftTicks)
  }

  #rested(): AccessUnit | undefined {
    if (this.#count <= RESTING) return undefined
    const accessUnit = this.#resting[this.#head]
    this.#head = (this.#head + 1) % CAPACITY
    this.#count--
    return accessUnit
  }

  /** Access units call this after their last release. */
  recycle(accessUnit: AccessUnit): void {
    if (this.#count === CAPACITY) return
    this.#resting[(this.#head + this.#count) % CAPACITY] = accessUnit
    this.#count++
  }
}
