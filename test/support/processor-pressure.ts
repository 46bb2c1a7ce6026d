import { readFileSync } from 'node:fs'

const SAMPLE_MS = 50

/**
 * How long programs of this machine were ready to run and got no processor, lately: on a busy machine this separates the
 * time something took from the time it needed. Linux' pressure stall information; 0 where the kernel has none.
 */
export class ProcessorPressure implements Disposable {
  readonly #samples: { readonly atMs: number; readonly stalledMs: number }[] = []
  readonly #timer: NodeJS.Timeout

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#sample()
  }

  /** Within the last `windowMs`. */
  stalledMs(windowMs: number): number {
    this.#sample()
    const last = this.#samples.at(-1)
    const first = this.#samples.findLast(({ atMs }) => (last?.atMs ?? 0) - atMs >= windowMs) ?? this.#samples[0]
    return (last?.stalledMs ?? 0) - (first?.stalledMs ?? 0)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    this.#samples.push({ atMs: performance.now(), stalledMs: totalStalledMs() })
  }
}

/** `some … total=<microseconds>`, Documentation/accounting/psi.rst of the Linux kernel. */
function totalStalledMs(): number {
  try {
    return Number(/^some .*total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'latin1'))?.[1] ?? 0) / 1000
  } catch {
    return 0
  }
}
