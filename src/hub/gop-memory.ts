import type { AccessUnit } from '#media/access-unit.ts'

/**
 * The access units since the last random access point of the leading track, so that a recording or player that starts
 * in mid-GOP has something to decode. Bounded in bytes: a GOP that outgrows the bound is forgotten until the next one.
 */
export class GopMemory implements Disposable {
  readonly #capacityBytes: number
  #accessUnits: AccessUnit[] = []
  #bytes = 0
  #overflowed = false

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  get accessUnits(): readonly AccessUnit[] {
    return this.#accessUnits
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Retains the access unit. `startsGop`: it is a random access point of the leading track. */
  add(accessUnit: AccessUnit, startsGop: boolean): void {
    if (startsGop) {
      this.#forget()
      this.#overflowed = false
    }
    if (this.#overflowed) return
    if (this.#bytes + accessUnit.payloadBytes > this.#capacityBytes) {
      this.#forget()
      this.#overflowed = true
      return
    }
    this.#accessUnits.push(accessUnit.retain())
    this.#bytes += accessUnit.payloadBytes
  }

  #forget(): void {
    for (const accessUnit of this.#accessUnits) accessUnit.release()
    this.#accessUnits = []
    this.#bytes = 0
  }

  [Symbol.dispose](): void {
    this.#forget()
    this.#overflowed = true
  }
}
