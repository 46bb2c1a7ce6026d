/** How often jitter buffers look for packets that were waited for too long. */
const TICK_MS = 20

/** One timer for everybody who has to look at the time often; none while there is nobody. */
export class Ticker implements Disposable {
  readonly #monotonicMs: () => number
  readonly #ticks = new Set<(nowMs: number) => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** Calls `tick` until disposed. It must not throw. */
  add(tick: (nowMs: number) => void): Disposable {
    this.#ticks.add(tick)
    this.#timer ??= setInterval(() => this.#run(), TICK_MS)
    return {
      [Symbol.dispose]: () => {
        this.#ticks.delete(tick)
        if (this.#ticks.size === 0) this[Symbol.dispose]()
      },
    }
  }

  #run(): void {
    const nowMs = this.#monotonicMs()
    for (const tick of this.#ticks) tick(nowMs)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
