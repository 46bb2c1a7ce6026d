import { type CuePoint, encodeRecord, MAX_LEVEL, type RecordedTrack } from './record.ts'

/** A record of level n follows each of so many to the power of n. */
const RADIX = 64

/** Makes the records of a part: one after each cluster, of the level that is due. */
export class RecordKeeper {
  /** By level: the newest record of it or a higher one. */
  readonly #newestAt: number[]
  /** By level: cue points since then. */
  readonly #cuePoints: CuePoint[][]
  #clusters = 0

  /** @param previousAt the newest record of the file that is appended to; 0 in a new one */
  constructor(previousAt: number) {
    this.#newestAt = Array.from({ length: MAX_LEVEL + 1 }, () => previousAt)
    this.#cuePoints = Array.from({ length: MAX_LEVEL + 1 }, () => [])
  }

  /** The record to open a file, or its continuation, with: of the highest level, before any cluster. */
  opening(position: number, tracks: readonly RecordedTrack[]): Uint8Array {
    return this.#record(position, MAX_LEVEL, tracks)
  }

  /** The record behind a cluster. @param cuePoint of that cluster, if it has one */
  next(position: number, tracks: readonly RecordedTrack[], cuePoint: CuePoint | undefined): Uint8Array {
    if (cuePoint !== undefined) for (const points of this.#cuePoints) points.push(cuePoint)
    this.#clusters++
    let level = 0
    while (level < MAX_LEVEL && this.#clusters % RADIX ** (level + 1) === 0) level++
    return this.#record(position, level, tracks)
  }

  #record(position: number, level: number, tracks: readonly RecordedTrack[]): Uint8Array {
    const previousAt = this.#newestAt[level] ?? 0
    const bytes = encodeRecord({ position, level, previousAt, tracks, cuePoints: this.#cuePoints[level] ?? [] })
    for (let covered = 0; covered <= level; covered++) {
      this.#newestAt[covered] = position
      this.#cuePoints[covered] = []
    }
    return bytes
  }
}
