import type { Stream } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'

/** A loss that goes on is told this often, so that nobody has to wait for its end to see it. */
const REPORT_EVERY_SECONDS = 1

/** Gathers what the network took from one track, until there is something to put around it. */
export class LossReport {
  readonly #stream: Stream
  #packets = 0
  #accessUnits = 0
  /** Of a source that begins in the middle of something, nothing is lost on the way. */
  #cause: 'publisher' | 'network' = 'publisher'
  #reportedDts = Number.NEGATIVE_INFINITY

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** Packets that did not come. */
  packets(count: number): void {
    this.#packets += count
    this.#cause = 'network'
  }

  /** An access unit that came damaged, or can't be used because others were lost. */
  unit(): void {
    this.#accessUnits++
    this.#cause = 'network'
  }

  /** An access unit that came whole, but can't be used because of what did not come before it. */
  skipped(): void {
    this.#accessUnits++
  }

  /** Tells of a loss that goes on, once in a while. */
  report(format: TrackFormat, fromDts: number, nowDts: number): void {
    const since = Math.max(fromDts, this.#reportedDts)
    if (nowDts - since >= REPORT_EVERY_SECONDS * format.timescale) this.flush(format, fromDts, nowDts)
  }

  /** Tells what there is to tell: it lies between these times. */
  flush(format: TrackFormat | undefined, fromDts: number, toDts = fromDts): void {
    if (format === undefined || this.#packets + this.#accessUnits === 0) return
    // What was told while it lasted is not told again.
    const since = Math.max(fromDts, this.#reportedDts)
    const from = Number.isFinite(since) ? since : toDts
    this.#reportedDts = toDts
    this.#stream.lost({
      format,
      packets: this.#packets,
      accessUnits: this.#accessUnits,
      fromDts: from,
      toDts: Math.max(from, toDts),
      cause: this.#cause,
    })
    this.#packets = 0
    this.#accessUnits = 0
  }
}
