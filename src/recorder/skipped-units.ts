import type { StreamLoss } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'

/** A wait that goes on is told this often, so that nobody has to wait for its end to see it. */
const TELL_EVERY_SECONDS = 1

interface Skipped {
  format: TrackFormat
  accessUnits: number
  fromDts: number
  toDts: number
}

/**
 * What came and is left out because its track has not come to a random access point: the publisher began, or took a
 * track up, in the middle of a GOP.
 */
export class SkippedUnits {
  readonly #tracks = new Map<number, Skipped>()

  get isEmpty(): boolean {
    return this.#tracks.size === 0
  }

  /** Counts one. @returns what is to be told now */
  add({ format, dts }: AccessUnit, mayTell: boolean): StreamLoss | undefined {
    const { trackId } = format
    const known = this.#tracks.get(trackId)
    if (known === undefined || known.format.timescale !== format.timescale) {
      const former = this.take(trackId)
      this.#tracks.set(trackId, { format, accessUnits: 1, fromDts: dts, toDts: dts })
      return former
    }
    known.format = format
    known.accessUnits++
    known.toDts = Math.max(known.toDts, dts)
    if (!mayTell || dts - known.fromDts < TELL_EVERY_SECONDS * format.timescale) return undefined
    return this.take(trackId)
  }

  /** What was left out of a track, up to where it begins; undefined when nothing was. */
  take(trackId: number, toDts?: number): StreamLoss | undefined {
    const skipped = this.#tracks.get(trackId)
    if (skipped === undefined) return undefined
    this.#tracks.delete(trackId)
    return { ...skipped, toDts: Math.max(skipped.toDts, toDts ?? skipped.toDts), packets: 0, cause: 'publisher' }
  }

  takeAll(): StreamLoss[] {
    return [...this.#tracks.keys()].flatMap((trackId) => this.take(trackId) ?? [])
  }

  clear(): void {
    this.#tracks.clear()
  }
}
