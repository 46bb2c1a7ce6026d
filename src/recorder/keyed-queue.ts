/** Runs jobs of one key one after the other, and those of different keys side by side. A failed job stops none. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<unknown>>()

  async run<Value>(key: string, job: () => Promise<Value>): Promise<Value> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const done = before.then(job, job)
    this.#last.set(key, done)
    try {
      return await done
    } finally {
      if (this.#last.get(key) === done) this.#last.delete(key)
    }
  }
}
