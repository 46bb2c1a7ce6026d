import type { PartTiming } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { UnannouncedTrackError } from '../errors.ts'
import { join, serialize } from './box.ts'
import { fragmentHead, type TrackRun } from './fragment.ts'
import { ftyp } from './ftyp.ts'
import { moov } from './moov.ts'
import { creationSecondsOf, movieTrack } from './movie.ts'
import { Timeline } from './movie-timeline.ts'
import { appendPayloads } from './payload-slices.ts'
import { TrackWriter } from './track-writer.ts'

/** Media per piece: what a viewer is behind at least. Shorter costs headers (about 100 bytes per track and piece). */
const FRAGMENT_SECONDS = 0.2

/**
 * Endless fragmented MP4 for watching: an initialization segment, then small fragments, each one piece of memory of
 * its own. A browser's `<video>` plays it while it comes in.
 *
 *     open → write* → (take)* → flush → take → dispose
 */
export class FragmentStream implements Disposable {
  readonly #tracks = new Map<number, TrackWriter>()
  readonly #creationSeconds: number
  #timeline: Timeline | undefined
  #sequenceNumber = 0
  #pieces: Uint8Array[] = []

  /** @throws {CodecUnsupportedError} a track's configuration is not known */
  constructor(formats: readonly TrackFormat[], createdAtMs: number) {
    this.#creationSeconds = creationSecondsOf(createdAtMs)
    for (const format of formats) this.#tracks.set(format.trackId, new TrackWriter(format.trackId, format, 1))
  }

  /** Retains the access unit until its fragment is complete. Times are non-negative and per track increase. */
  write(accessUnit: AccessUnit, timing: PartTiming): void {
    const track = this.#tracks.get(accessUnit.format.trackId)
    if (track === undefined) throw new UnannouncedTrackError(accessUnit.format.trackId)
    track.write(accessUnit, timing.dts, timing.pts)
    if (track.pendingSeconds >= FRAGMENT_SECONDS) this.#closeFragment(false)
  }

  /** Pieces to send in order: first the initialization segment. They are the caller's. */
  take(): readonly Uint8Array[] {
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  /** Shows what there is, also the newest access unit, whose duration is not known yet. */
  flush(): void {
    this.#closeFragment(true)
  }

  [Symbol.dispose](): void {
    for (const track of this.#tracks.values()) release(track.close(true))
    this.#pieces = []
  }

  #closeFragment(everything: boolean): void {
    const writers = [...this.#tracks.values()]
    if (writers.every((track) => track.pending === 0)) return
    this.#begin(writers)
    const runs: TrackRun[] = []
    for (const track of writers) {
      const run = track.close(everything)
      if (run !== undefined) runs.push(run)
    }
    if (runs.length === 0) return
    const buffers: Uint8Array[] = [fragmentHead(++this.#sequenceNumber, runs).bytes]
    for (const run of runs) appendPayloads(run, buffers)
    this.#pieces.push(serialize(join(buffers))) // copies: the payloads go back to their pool now
    runs.forEach(release)
  }

  #begin(writers: readonly TrackWriter[]): void {
    if (this.#timeline !== undefined) return
    const timeline = new Timeline(writers)
    this.#timeline = timeline
    for (const track of writers) track.shiftTicks = timeline.shiftTicks(track.format)
    const tracks = writers.map((track) => movieTrack(track.format, track.id, timeline.edit(track.format)))
    this.#pieces.push(serialize(join([ftyp(), moov({ creationSeconds: this.#creationSeconds, tracks }, true)])))
  }
}

function release(run: TrackRun | undefined): void {
  for (let i = 0; run !== undefined && i < run.count; i++) run.accessUnits[i]?.release()
}
