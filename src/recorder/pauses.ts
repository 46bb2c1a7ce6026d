/** Waits that end with the recorder's tick, so that the recorder has one timer, and tests own the time. */
export class Pauses {
  readonly #monotonicMs: () => number
  readonly #waiting = new Set<{ readonly untilMs: number; readonly resolve: () => void }>()

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Resolves at the first tick after `ms`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.add({ untilMs: this.#monotonicMs() + ms, resolve }))
  }

  /** Call a few times a second. */
  tick(): void {
    for (const waiting of this.#waiting) {
      if (this.#monotonicMs() < waiting.untilMs) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }
}
