/** At most one report in this time. */
const INTERVAL_MS = 1_000

/**
 * Keeps trouble that may come with every access unit from flooding the log: the first is reported at once, then at most
 * one a second, with how many there were meanwhile.
 */
export class LogLimit<Detail> {
  readonly #monotonicMs: () => number
  readonly #report: (detail: Detail, occurrences: number) => void
  #reportedMs = Number.NEGATIVE_INFINITY
  #unreported = 0

  constructor(monotonicMs: () => number, report: (detail: Detail, occurrences: number) => void) {
    this.#monotonicMs = monotonicMs
    this.#report = report
  }

  occurred(detail: Detail): void {
    this.#unreported++
    const nowMs = this.#monotonicMs()
    if (nowMs - this.#reportedMs < INTERVAL_MS) return
    this.#reportedMs = nowMs
    this.#report(detail, this.#unreported)
    this.#unreported = 0
  }
}
