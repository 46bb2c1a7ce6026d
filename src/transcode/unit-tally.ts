/** Tells how many access units of the source end in the sound of an encoded one. */
export class UnitTally {
  /** Where the sound of each ends, in samples of the output, in order. */
  #ends: number[] = []

  get waiting(): number {
    return this.#ends.length
  }

  add(end: number): void {
    this.#ends.push(end)
  }

  /** Takes those that end at `position` or before. */
  takeUpTo(position: number): number {
    let taken = 0
    // A tick of rounding, so that the last unit of a frame is not counted with the next.
    while (taken < this.#ends.length && (this.#ends[taken] ?? 0) <= position + 1) taken++
    this.#ends.splice(0, taken)
    return taken
  }

  takeAll(): number {
    const taken = this.#ends.length
    this.#ends = []
    return taken
  }
}
