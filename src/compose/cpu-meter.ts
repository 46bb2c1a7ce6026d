/** Measured over so long. */
const WINDOW_MS = 5_000

/** CPU cores that a process takes, by what it says it has used so far. */
export class CpuMeter {
  #readings: { readonly cpuMs: number; readonly atMs: number }[] = []

  /** Undefined while there is too little to tell. */
  get cores(): number | undefined {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)]
    if (first === undefined || last === undefined || last.atMs - first.atMs < WINDOW_MS / 2) return undefined
    return (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs)
  }

  update(cpuMs: number, atMs: number): void {
    const last = this.#readings.at(-1)
    // Twice a second will do.
    if (last !== undefined && atMs - last.atMs < 500) return
    this.#readings.push({ cpuMs, atMs })
    while (atMs - (this.#readings[0]?.atMs ?? atMs) > WINDOW_MS) this.#readings.shift()
  }

  /** Another process follows. */
  reset(): void {
    this.#readings = []
  }
}
