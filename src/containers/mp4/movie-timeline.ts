import type { TrackFormat } from '#media/track.ts'
import type { Edit } from './movie.ts'
import type { TrackWriter } from './track-writer.ts'

/** How DTS and PTS given to a writer become media times, and which media time is shown first. */
export class Timeline {
  readonly #shiftSeconds: number = 0
  readonly #originSeconds: number = 0

  /** @param tracks with what came first pending: the movie starts when the earliest of them is shown */
  constructor(tracks: readonly TrackWriter[]) {
    const filled = tracks.filter((track) => track.pending > 0)
    if (filled.length === 0) return
    // tfdt can't be negative, and readers count what is before the first sample as duration: media time begins in its
    // first second. Whole seconds, because they are ticks in every timescale.
    this.#shiftSeconds = -Math.floor(Math.min(...filled.map((track) => track.firstDtsSeconds)))
    this.#originSeconds = Math.min(...filled.map((track) => track.firstPtsSeconds)) + this.#shiftSeconds
  }

  /** Media time = DTS + this. */
  shiftTicks(format: TrackFormat): number {
    return this.#shiftSeconds * format.timescale
  }

  /** The same moment for every track, also for one that appears later. */
  edit(format: TrackFormat): Edit {
    return { delayTicks: 0, mediaTime: Math.round(this.#originSeconds * format.timescale) }
  }
}
