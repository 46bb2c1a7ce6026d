import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'

/** Messages are heard at least this often. */
const TURN_MS = 20
/** Shorter pauses are saved up: a timer is not exact. */
const SHORTEST_PAUSE_MS = 20
/** So often is looked whether there is room again. */
const LOOK_MS = 200

/** Work in many small steps that takes no more than its share of a core. */
export class Pace {
  /** Of a core: 0 to 1; 0 stops the work until it is more. */
  share = 0
  #steppedMs = performance.now()
  #turnedMs = performance.now()
  #owedMs = 0

  /** Between two steps. @param waits called every so often while there is no room */
  async step(waits: () => void): Promise<void> {
    this.#owedMs += this.share > 0 ? (performance.now() - this.#steppedMs) * (1 / this.share - 1) : 0
    if (performance.now() - this.#turnedMs > TURN_MS) await turn()
    while (this.share <= 0) {
      waits()
      await sleep(LOOK_MS)
      this.#owedMs = 0
    }
    if (this.#owedMs > SHORTEST_PAUSE_MS) {
      await sleep(this.#owedMs)
      this.#owedMs = 0
    }
    this.#steppedMs = performance.now()
    if (this.#steppedMs - this.#turnedMs > TURN_MS) this.#turnedMs = this.#steppedMs
  }
}
