import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { sampleDuration, type TrackRun } from './fragment.ts'
import { SampleSectionBuilder } from './sample-section.ts'

/** A picture's duration when nothing says better: the very first, alone, of a stream without a frame rate. */
const FALLBACK_DURATION_SECONDS = 0.04

/** Of the lists below, which double when full: two seconds of pictures. */
const INITIAL_SAMPLES = 64

/** What one track has collected for the fragment in progress, and the index since the last checkpoint. */
export class TrackWriter {
  readonly id: number
  readonly format: TrackFormat
  /** Collects the index since the last checkpoint; handed on when a new format continues the track. */
  readonly section: SampleSectionBuilder
  sampleDescription: number
  /** Media time = DTS of the part + this, in ticks. */
  shiftTicks = 0
  // Lists that last as long as the track: of new ones for every fragment, each a GOP old when it dies, the garbage
  // collector would have to clear the old generation four times a minute.
  readonly #accessUnits: AccessUnit[] = []
  #dts = new Float64Array(INITIAL_SAMPLES)
  #pts = new Float64Array(INITIAL_SAMPLES)
  /** What is pending lies from #taken on; before it, what the last run took. */
  #end = 0
  #taken = 0
  #lastDurationTicks: number
  #pendingBytes = 0

  constructor(
    id: number,
    format: TrackFormat,
    sampleDescription: number,
    section: SampleSectionBuilder = new SampleSectionBuilder(0, 0),
  ) {
    this.id = id
    this.format = format
    this.sampleDescription = sampleDescription
    this.section = section
    this.#lastDurationTicks = Math.max(1, expectedDurationTicks(format))
  }

  get pending(): number {
    return this.#end - this.#taken
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** From the first pending DTS to the last, in seconds. */
  get pendingSeconds(): number {
    if (this.pending === 0) return 0
    return ((this.#dts[this.#end - 1] ?? 0) - (this.#dts[this.#taken] ?? 0)) / this.format.timescale
  }

  /** DTS of the newest pending access unit in seconds; without one, minus infinity. */
  get newestSeconds(): number {
    if (this.pending === 0) return Number.NEGATIVE_INFINITY
    return (this.#dts[this.#end - 1] ?? 0) / this.format.timescale
  }

  /** Earliest presentation and first decode time among what is pending, in seconds. */
  get firstPtsSeconds(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (let i = this.#taken; i < this.#end; i++) earliest = Math.min(earliest, this.#pts[i] ?? 0)
    return earliest / this.format.timescale
  }

  get firstDtsSeconds(): number {
    return this.pending === 0 ? 0 : (this.#dts[this.#taken] ?? 0) / this.format.timescale
  }

  write(accessUnit: AccessUnit, dts: number, pts: number): void {
    this.#forgetTaken()
    if (this.#end === this.#dts.length) {
      this.#dts = twiceAsLong(this.#dts)
      this.#pts = twiceAsLong(this.#pts)
    }
    this.#accessUnits[this.#end] = accessUnit.retain()
    this.#dts[this.#end] = dts
    this.#pts[this.#end] = pts
    this.#end++
    this.#pendingBytes += accessUnit.payloadBytes
  }

  /**
   * Takes what is pending out: without the newest access unit (how long it lasts is known when the next arrives), or
   * with it, lasting as long as the one before. The run is lent until the next `write` or `close`; its references to
   * access units are the caller's.
   */
  close(withNewest: boolean): TrackRun | undefined {
    this.#forgetTaken()
    const count = withNewest ? this.#end : this.#end - 1
    if (count <= 0) return undefined
    const dts = this.#dts
    const pts = this.#pts
    const isNewestKept = count < this.#end
    this.#taken = count
    this.#pendingBytes = isNewestKept ? (this.#accessUnits[count]?.payloadBytes ?? 0) : 0
    if (count > 1) this.#lastDurationTicks = (dts[count - 1] ?? 0) - (dts[count - 2] ?? 0)
    if (isNewestKept) this.#lastDurationTicks = (dts[count] ?? 0) - (dts[count - 1] ?? 0)
    if (this.shiftTicks !== 0) this.#shift(dts, pts, count)
    return {
      trackId: this.id,
      sampleDescription: this.sampleDescription,
      accessUnits: this.#accessUnits,
      dts,
      pts,
      count,
      lastDurationTicks: this.#lastDurationTicks,
    }
  }

  /** Adds a run that was closed to the index. @param position of its first payload byte in the file */
  index(run: TrackRun, position: number): void {
    for (let i = 0; i < run.count; i++) {
      const accessUnit = run.accessUnits[i]
      if (accessUnit === undefined) break
      const dts = run.dts[i] ?? 0
      const offset = (run.pts[i] ?? 0) - dts
      this.section.addSample(accessUnit.payloadBytes, dts, offset, sampleDuration(run, i), accessUnit.isRandomAccess)
    }
    this.section.addChunk(position, run.count, run.sampleDescription)
  }

  /** What is pending moves to the front: at most the one access unit that the last run did not take. */
  #forgetTaken(): void {
    const taken = this.#taken
    if (taken === 0) return
    this.#taken = 0
    this.#end -= taken
    const kept = this.#accessUnits[taken]
    if (this.#end === 0 || kept === undefined) return
    this.#accessUnits[0] = kept
    this.#dts[0] = this.#dts[taken] ?? 0
    this.#pts[0] = this.#pts[taken] ?? 0
  }

  #shift(dts: Float64Array, pts: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) {
      dts[i] = (dts[i] ?? 0) + this.shiftTicks
      pts[i] = (pts[i] ?? 0) + this.shiftTicks
    }
  }
}

function expectedDurationTicks(format: TrackFormat): number {
  if (format.kind === 'audio' && format.samplesPerAccessUnit > 0) {
    return Math.round((format.samplesPerAccessUnit * format.timescale) / format.sampleRateHz)
  }
  if (format.kind === 'video' && format.frameRateHint > 0) return Math.round(format.timescale / format.frameRateHint)
  return Math.round(format.timescale * FALLBACK_DURATION_SECONDS)
}

function twiceAsLong(ticks: Float64Array): Float64Array<ArrayBuffer> {
  const longer = new Float64Array(2 * ticks.length)
  longer.set(ticks)
  return longer
}
