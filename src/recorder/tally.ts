import type { GapCause } from '#storage/recording-document.ts'
import type { RecorderCounters, RecorderObserver } from './recorder-api.ts'

/** Sums over all recordings since the start of the process, for metrics. */
export class Tally {
  readonly #observers = new Set<RecorderObserver>()
  readonly #lostByCause: Partial<Record<GapCause, number>> = {}
  #received = 0
  #written = 0
  #writtenBytes = 0

  observe(observer: RecorderObserver): Disposable {
    this.#observers.add(observer)
    return { [Symbol.dispose]: () => void this.#observers.delete(observer) }
  }

  received(): void {
    this.#received++
  }

  written(accessUnits: number, bytes: number, durationMs: number): void {
    this.#written += accessUnits
    this.#writtenBytes += bytes
    for (const observer of this.#observers) observer.written(durationMs, bytes)
  }

  lost(accessUnits: number, cause: GapCause): void {
    this.#lostByCause[cause] = (this.#lostByCause[cause] ?? 0) + accessUnits
  }

  finished(durationMs: number): void {
    for (const observer of this.#observers) observer.finished(durationMs)
  }

  counters(queuedBytes: number): RecorderCounters {
    return {
      received: this.#received,
      written: this.#written,
      lostByCause: { ...this.#lostByCause },
      writtenBytes: this.#writtenBytes,
      queuedBytes,
    }
  }
}
