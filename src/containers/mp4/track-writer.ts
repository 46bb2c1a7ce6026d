import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { sampleDuration, type TrackRun } from './fragment.ts'
import { SampleSectionBuilder } from './sample-section.ts'

/** A picture's duration when nothing says better: the very first, alone, of a stream without a frame rate. */
const FALLBACK_DURATION_SECONDS = 0.04

/** What one track has collected for the fragment in progress, and the index since the last checkpoint. */
export class TrackWriter {
  readonly id: number
  readonly format: TrackFormat
  /** Collects the index since the last checkpoint; handed on when a new format continues the track. */
  readonly section: SampleSectionBuilder
  sampleDescription: number
  /** Media time = DTS of the part + this, in ticks. */
  shiftTicks = 0
  #accessUnits: AccessUnit[] = []
  #dts: number[] = []
  #pts: number[] = []
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
    return this.#accessUnits.length
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** From the first pending DTS to the last, in seconds. */
  get pendingSeconds(): number {
    return ((this.#dts.at(-1) ?? 0) - (this.#dts[0] ?? 0)) / this.format.timescale
  }

  /** DTS of the newest pending access unit in seconds; without one, minus infinity. */
  get newestSeconds(): number {
    return (this.#dts.at(-1) ?? Number.NEGATIVE_INFINITY) / this.format.timescale
  }

  /** Earliest presentation and first decode time among what is pending, in seconds. */
  get firstPtsSeconds(): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const pts of this.#pts) earliest = Math.min(earliest, pts)
    return earliest / this.format.timescale
  }

  get firstDtsSeconds(): number {
    return (this.#dts[0] ?? 0) / this.format.timescale
  }

  write(accessUnit: AccessUnit, dts: number, pts: number): void {
    this.#accessUnits.push(accessUnit.retain())
    this.#dts.push(dts)
    this.#pts.push(pts)
    this.#pendingBytes += accessUnit.payloadBytes
  }

  /**
   * Takes what is pending out: without the newest access unit (how long it lasts is known when the next arrives), or
   * with it, lasting as long as the one before.
   */
  close(withNewest: boolean): TrackRun | undefined {
    const accessUnits = this.#accessUnits
    const count = withNewest ? accessUnits.length : accessUnits.length - 1
    if (count <= 0) return undefined
    const dts = this.#dts
    const pts = this.#pts
    const kept = accessUnits[count]
    this.#accessUnits = kept === undefined ? [] : [kept]
    this.#dts = kept === undefined ? [] : [dts[count] ?? 0]
    this.#pts = kept === undefined ? [] : [pts[count] ?? 0]
    this.#pendingBytes = kept?.payloadBytes ?? 0
    if (count > 1) this.#lastDurationTicks = (dts[count - 1] ?? 0) - (dts[count - 2] ?? 0)
    if (kept !== undefined) this.#lastDurationTicks = (dts[count] ?? 0) - (dts[count - 1] ?? 0)
    if (this.shiftTicks !== 0) this.#shift(dts, pts, count)
    return {
      trackId: this.id,
      sampleDescription: this.sampleDescription,
      accessUnits,
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

  #shift(dts: number[], pts: number[], count: number): void {
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
