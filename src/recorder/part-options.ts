import type { TapedeckError } from '#base/error.ts'
import type { Container, ContainerName, ContainerWriter, TrackEnd, WriterOutput } from '#containers/container.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartDocument, PartRename, PartTrackDocument } from '#storage/recording-document.ts'
import type { Part } from './part.ts'
import type { TrackLoss, Zero } from './part-tracks.ts'

/** What a part tells the recording it belongs to. */
export interface PartEvents {
  /** The file exists under its name. */
  opened(part: Part): void
  /** The kernel has these access units. They are released right after this call. */
  written(part: Part, output: WriterOutput, latencyMs: number): void
  /** The disk refuses bytes, takes very long, or may not be filled further. Told once per kind of trouble. */
  impaired(part: Part, error: unknown): void
  /** The disk takes bytes again. */
  resumed(part: Part): void
  /** The source has told what its wall clock said where the part begins. */
  dated(part: Part): void
  /** Accepted, and never to be in the file. */
  lost(part: Part, losses: readonly TrackLoss[]): void
  /** The file is gone; `tracks` had been written. */
  vanished(part: Part, tracks: readonly PartTrackDocument[]): void
  /** The part takes no more. What it still holds is reported as lost, as soon as a write under way has ended. */
  failed(part: Part, error: unknown): void
}

/** What a part is made of and reports to. */
export interface PartOptions {
  readonly index: number
  readonly container: Container
  readonly writer: ContainerWriter
  /** Opens or creates the file; runs while the first access units arrive. */
  readonly openFile: () => Promise<PartFile>
  readonly root: string
  /** See PartDocument. */
  readonly format: ContainerName | undefined
  readonly startedAtMs: number
  /** The source's wall clock there, as soon as it is known. */
  readonly sourceStartedAtMs: () => number | undefined
  /** The part's zero on the recording's timeline, and the clock it counts in. */
  readonly zero: Zero
  readonly formats: ReadonlyMap<number, TrackFormat>
  /** What an appended file held before. */
  readonly previous: PartDocument | undefined
  /** And where its tracks ended. */
  readonly ends?: ReadonlyMap<number, TrackEnd>
  /** Its file will be called otherwise. */
  readonly rename?: PartRename | undefined
  readonly events: PartEvents
  /** Why nothing may be written now though the disk would take it (the free-space floor); undefined when it may. */
  readonly refusal: () => TapedeckError | undefined
  /** Resolves when a start after a crash would find what `opened` told: not a byte goes to a file nobody knows of. */
  readonly stored: () => Promise<void>
  readonly monotonicMs: () => number
  readonly fragmentMs: number
  /** Sync this often while writing (power durability); 0: only at the end. */
  readonly syncEveryMs: number
}
