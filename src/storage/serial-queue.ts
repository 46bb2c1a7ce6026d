interface Waiting {
  readonly start: () => void
  readonly together: boolean
}

/** Runs jobs one at a time, in order; jobs that may overlap each other only share their turn. A failed job stops none. */
export class SerialQueue {
  readonly #waiting: Waiting[] = []
  #running = 0
  #alone = false

  /** The job runs alone: after all before it, before all after it. */
  run<Value>(job: () => Promise<Value>): Promise<Value> {
    return this.#enqueue(job, false)
  }

  /** The job may run at the same time as neighbours that were given to runTogether as well. */
  runTogether<Value>(job: () => Promise<Value>): Promise<Value> {
    return this.#enqueue(job, true)
  }

  #enqueue<Value>(job: () => Promise<Value>, together: boolean): Promise<Value> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        this.#running++
        this.#alone = !together
        job().then(
          (value) => {
            this.#ended()
            resolve(value)
          },
          (error: unknown) => {
            this.#ended()
            reject(error instanceof Error ? error : new Error(String(error)))
          },
        )
      }
      this.#waiting.push({ start, together })
      this.#startWaiting()
    })
  }

  #ended(): void {
    this.#running--
    this.#startWaiting()
  }

  #startWaiting(): void {
    for (;;) {
      const next = this.#waiting[0]
      if (next === undefined) return
      if (this.#running > 0 && (this.#alone || !next.together)) return
      this.#waiting.shift()
      next.start()
    }
  }
}
