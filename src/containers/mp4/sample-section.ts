import { UINT32_MAX } from './box.ts'
import { GrowingBytes } from './growing-bytes.ts'

/**
 * The index of consecutive samples of one track, each table already in the form in which it stands in the finished
 * `stbl`, so that joining sections is copying bytes.
 */
export interface SampleSection {
  readonly samples: number
  readonly syncSamples: number
  readonly chunks: number
  readonly payloadBytes: number
  /** Media time of the first sample, and of the end of the last (in decode order). Ticks of the track. */
  readonly firstDts: number
  readonly endDts: number
  /** Earliest and latest composition. Ticks of the track. */
  readonly minPts: number
  readonly maxEndPts: number
  /** Extremes of PTS - DTS. Ticks of the track. */
  readonly minCompositionOffset: number
  readonly maxCompositionOffset: number
  /** stsz entries. */
  readonly sizes: Uint8Array
  /** stts entries: sample_count, sample_delta. */
  readonly durations: Uint8Array
  /** ctts entries: sample_count, signed sample_offset. */
  readonly compositionOffsets: Uint8Array
  /** stss entries: numbers of the sync samples, counted over the whole track. */
  readonly syncNumbers: Uint8Array
  /** co64 entries. */
  readonly chunkOffsets: Uint8Array
  /** stsc entries: first_chunk (counted over the whole track), samples_per_chunk, sample_description_index. */
  readonly chunkRuns: Uint8Array
}

/** A sample_delta that stts can hold: at least one tick, at most 32 bits (13 hours at 90 kHz). */
export const sampleDelta = (ticks: number): number => Math.min(UINT32_MAX, Math.max(1, ticks))

/** Collects one section after the other of a track; sample and chunk numbers go on. Per-sample work happens here only. */
export class SampleSectionBuilder {
  #samplesBefore: number
  #chunksBefore: number
  readonly #sizes = new GrowingBytes()
  readonly #durations = new GrowingBytes()
  readonly #offsets = new GrowingBytes()
  readonly #syncNumbers = new GrowingBytes()
  readonly #chunkOffsets = new GrowingBytes()
  readonly #chunkRuns = new GrowingBytes()
  #samples = 0
  #syncSamples = 0
  #chunks = 0
  #payloadBytes = 0
  #firstDts = 0
  #minPts = 0
  #maxEndPts = 0
  #minOffset = 0
  #maxOffset = 0
  #lastDts = 0
  #lastDuration = 0
  #durationRun = 0
  #durationRunValue = 0
  #offsetRun = 0
  #offsetRunValue = 0
  #chunkRunSamples = 0
  #chunkRunDescription = 0

  /** @param samplesBefore, chunksBefore of the track that earlier sections hold */
  constructor(samplesBefore: number, chunksBefore: number) {
    this.#samplesBefore = samplesBefore
    this.#chunksBefore = chunksBefore
  }

  get samples(): number {
    return this.#samples
  }

  get tableBytes(): number {
    return (
      this.#sizes.length +
      this.#durations.length +
      this.#offsets.length +
      this.#syncNumbers.length +
      this.#chunkOffsets.length +
      this.#chunkRuns.length
    )
  }

  /** @param durationTicks counts only for the last sample: between two, the distance of their DTS does */
  addSample(sizeBytes: number, dts: number, compositionOffset: number, durationTicks: number, isSync: boolean): void {
    const pts = dts + compositionOffset
    if (this.#samples === 0) {
      this.#firstDts = dts
      this.#minPts = pts
      this.#maxEndPts = pts + durationTicks
      this.#minOffset = compositionOffset
      this.#maxOffset = compositionOffset
    } else {
      this.#pushDuration(sampleDelta(dts - this.#lastDts))
      if (pts < this.#minPts) this.#minPts = pts
      if (pts + durationTicks > this.#maxEndPts) this.#maxEndPts = pts + durationTicks
      if (compositionOffset < this.#minOffset) this.#minOffset = compositionOffset
      if (compositionOffset > this.#maxOffset) this.#maxOffset = compositionOffset
    }
    this.#lastDts = dts
    this.#lastDuration = durationTicks
    this.#pushOffset(compositionOffset)
    this.#sizes.pushUint32(sizeBytes)
    this.#samples++
    this.#payloadBytes += sizeBytes
    if (isSync) {
      this.#syncSamples++
      this.#syncNumbers.pushUint32(this.#samplesBefore + this.#samples)
    }
  }

  /** Says where the `samples` added last lie: one after the other from `position` on. */
  addChunk(position: number, samples: number, sampleDescription: number): void {
    this.#chunks++
    this.#chunkOffsets.pushUint64(position)
    if (samples === this.#chunkRunSamples && sampleDescription === this.#chunkRunDescription) return
    this.#chunkRunSamples = samples
    this.#chunkRunDescription = sampleDescription
    this.#chunkRuns.pushUint32(this.#chunksBefore + this.#chunks)
    this.#chunkRuns.pushUint32(samples)
    this.#chunkRuns.pushUint32(sampleDescription)
  }

  /** The section so far, and a fresh start for the next. */
  take(): SampleSection {
    if (this.#samples > 0) {
      this.#pushDuration(this.#lastDuration)
      this.#endDurationRun()
      this.#endOffsetRun()
    }
    const section: SampleSection = {
      samples: this.#samples,
      syncSamples: this.#syncSamples,
      chunks: this.#chunks,
      payloadBytes: this.#payloadBytes,
      firstDts: this.#firstDts,
      endDts: this.#lastDts + this.#lastDuration,
      minPts: this.#minPts,
      maxEndPts: this.#maxEndPts,
      minCompositionOffset: this.#minOffset,
      maxCompositionOffset: this.#maxOffset,
      sizes: this.#sizes.take(),
      durations: this.#durations.take(),
      compositionOffsets: this.#offsets.take(),
      syncNumbers: this.#syncNumbers.take(),
      chunkOffsets: this.#chunkOffsets.take(),
      chunkRuns: this.#chunkRuns.take(),
    }
    this.#samplesBefore += this.#samples
    this.#chunksBefore += this.#chunks
    this.#samples = 0
    this.#syncSamples = 0
    this.#chunks = 0
    this.#payloadBytes = 0
    this.#chunkRunSamples = 0
    return section
  }

  #pushDuration(ticks: number): void {
    if (ticks !== this.#durationRunValue) this.#endDurationRun()
    this.#durationRunValue = ticks
    this.#durationRun++
  }

  #endDurationRun(): void {
    if (this.#durationRun === 0) return
    this.#durations.pushUint32(this.#durationRun)
    this.#durations.pushUint32(this.#durationRunValue)
    this.#durationRun = 0
  }

  #pushOffset(ticks: number): void {
    if (ticks !== this.#offsetRunValue) this.#endOffsetRun()
    this.#offsetRunValue = ticks
    this.#offsetRun++
  }

  #endOffsetRun(): void {
    if (this.#offsetRun === 0) return
    this.#offsets.pushUint32(this.#offsetRun)
    this.#offsets.pushUint32(this.#offsetRunValue)
    this.#offsetRun = 0
  }
}
