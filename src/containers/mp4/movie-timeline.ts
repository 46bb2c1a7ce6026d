import type { TrackFormat } from '#media/track.ts'
import type { Edit } from './movie.ts'
import type { TrackWriter } from './track-writer.ts'

/** How DTS and PTS given to a writer become media times, and which media time is shown first. */
export class Timeline {
  readonly #shiftSeconds: number
  readonly #originSeconds: number

  /** @param tracks with what came first pending: the movie starts when the earliest of them is shown */
  constructor(tracks: readonly TrackWriter[]) {
    const filled = tracks.filter((track) => track.pending > 0)
    const firstDts = Math.min(0, ...filled.map((track) => track.firstDtsSeconds))
    const firstPts = filled.length === 0 ? 0 : Math.min(...filled.map((track) => track.firstPtsSeconds))
    // tfdt can't be negative: everything moves by whole seconds, which are ticks in every timescale
    this.#shiftSeconds = Math.ceil(-firstDts)
    this.#originSeconds = firstPts + this.#shiftSeconds
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
