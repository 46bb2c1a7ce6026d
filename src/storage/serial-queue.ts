/** Runs jobs one at a time, in order. A failed job doesn't stop the next. */
export class SerialQueue {
  readonly #waiting: (() => void)[] = []
  #running = false

  run<Value>(job: () => Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        this.#running = true
        job().then(
          (value) => {
            this.#next()
            resolve(value)
          },
          (error: unknown) => {
            this.#next()
            reject(error instanceof Error ? error : new Error(String(error)))
          },
        )
      }
      if (this.#running) this.#waiting.push(start)
      else start()
    })
  }

  #next(): void {
    this.#running = false
    this.#waiting.shift()?.()
  }
}
