/** So many pictures left out within so long are no moment's trouble. */
const OVERLOAD_PICTURES = 10
const OVERLOAD_WINDOW_MS = 10_000

/** Overload is told no more often. */
const TELL_EVERY_MS = 10_000

/** Pictures of a composition for which there was no time, over all processes that have made it. Times are monotonic. */
export class Overload {
  /** Of this process, and of those before it. */
  #dropped = 0
  #droppedBefore = 0
  #lastDropMs = Number.NEGATIVE_INFINITY
  /** Left out since. */
  #recent = 0
  #recentFromMs = Number.NEGATIVE_INFINITY
  #told = 0
  #lastToldMs = Number.NEGATIVE_INFINITY

  get droppedPictures(): number {
    return this.#droppedBefore + this.#dropped
  }

  /**
   * @param processPictures left out by the present process so far
   * @returns how many were left out since this was last told; undefined: there is nothing to tell now
   */
  note(processPictures: number, nowMs: number): number | undefined {
    if (processPictures === this.#dropped) return undefined
    if (nowMs - this.#recentFromMs > OVERLOAD_WINDOW_MS) {
      this.#recentFromMs = nowMs
      this.#recent = 0
    }
    this.#recent += processPictures - this.#dropped
    this.#dropped = processPictures
    this.#lastDropMs = nowMs
    if (nowMs - this.#lastToldMs < TELL_EVERY_MS) return undefined
    const untold = this.droppedPictures - this.#told
    this.#told = this.droppedPictures
    this.#lastToldMs = nowMs
    return untold
  }

  /** Another process goes on, and counts from zero. */
  processEnded(): void {
    this.#droppedBefore += this.#dropped
    this.#dropped = 0
  }

  /** Pictures were left out within the last `withinMs`, and not only a few. */
  isPresent(withinMs: number, nowMs: number): boolean {
    return nowMs - this.#lastDropMs < withinMs && this.#recent >= OVERLOAD_PICTURES
  }
}
