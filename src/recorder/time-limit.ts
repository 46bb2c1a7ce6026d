import type { TrackFormat } from '#media/track.ts'

/** How long the tracks that have not come to the end are waited for once one has. */
const STRAGGLERS_MS = 2_000

/** The end a caller set (maxSeconds): the recording is over when every track has come to it, or was waited for. */
export class TimeLimit {
  /** On the recording's timeline; Infinity without a limit. */
  readonly endMs: number
  readonly #monotonicMs: () => number
  readonly #reached = new Set<number>()
  #sinceMs: number | undefined

  /** @param maxSeconds 0: no limit @param startMs where this session of the recording begins */
  constructor(maxSeconds: number, startMs: number, monotonicMs: () => number) {
    this.endMs = maxSeconds === 0 ? Number.POSITIVE_INFINITY : startMs + maxSeconds * 1000
    this.#monotonicMs = monotonicMs
  }

  /** A track has come to the end. True when it was the last. */
  reached(trackId: number, tracks: ReadonlyMap<number, TrackFormat>): boolean {
    this.#reached.add(trackId)
    this.#sinceMs ??= this.#monotonicMs()
    return [...tracks.keys()].every((id) => this.#reached.has(id))
  }

  /** The wait for the others is over. */
  get isPast(): boolean {
    return this.#sinceMs !== undefined && this.#monotonicMs() - this.#sinceMs > STRAGGLERS_MS
  }
}
