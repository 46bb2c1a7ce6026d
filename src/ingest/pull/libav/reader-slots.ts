import { TooManyPullProcessesError } from './errors.ts'

/** How many processes may read sources at a time, whatever for. */
export class ReaderSlots {
  readonly #max: number
  #taken = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Dispose the result when the process has ended; once is enough. @throws {TooManyPullProcessesError} */
  take(): Disposable {
    if (this.#taken >= this.#max) throw new TooManyPullProcessesError(this.#max)
    this.#taken++
    let isTaken = true
    return {
      [Symbol.dispose]: () => {
        if (isTaken) this.#taken--
        isTaken = false
      },
    }
  }
}
