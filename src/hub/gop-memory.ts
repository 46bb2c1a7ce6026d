import type { AccessUnit } from '#media/access-unit.ts'

/**
 * The access units since the last random access point of the leading track, so that a recording or player that starts
 * in mid-GOP has something to decode. Bounded in bytes: a GOP that outgrows the bound is forgotten until the next one.
 */
export class GopMemory implements Disposable {
  readonly #capacityBytes: number
  /** Only ever grows: emptying an array gives its memory away, to be asked for again with the next GOP. */
  readonly #accessUnits: (AccessUnit | undefined)[] = []
  #count = 0
  #bytes = 0
  #overflowed = false

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  /** In the stream's order. */
  accessUnits(): AccessUnit[] {
    return this.#accessUnits.filter((accessUnit) => accessUnit !== undefined)
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
    this.#accessUnits[this.#count++] = accessUnit.retain()
    this.#bytes += accessUnit.payloadBytes
  }

  #forget(): void {
    for (let i = 0; i < this.#count; i++) {
      this.#accessUnits[i]?.release()
      this.#accessUnits[i] = undefined
    }
    this.#count = 0
    this.#bytes = 0
  }

  [Symbol.dispose](): void {
    this.#forget()
    this.#overflowed = true
  }
}
