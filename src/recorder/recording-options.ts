import type { TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { GapCause, GapDocument, PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import type { PartDisk } from './part-maker.ts'
import type { Recording } from './recording.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'

/** What a recording reports to the recorder that owns it. */
export interface RecordingEvents {
  stateChanged(recording: Recording): void
  impaired(recording: Recording): void
  resumed(recording: Recording): void
  gap(recording: Recording, gap: GapDocument): void
  partOpened(recording: Recording, part: PartDocument): void
  /** A part's file is about to be renamed: what a crash must find is in the recording's document. */
  partRenaming(recording: Recording): void
  /** It is known now when a part begins by the source's own clock. */
  partDated(recording: Recording): void
  partReady(recording: Recording, part: PartDocument, finishMs: number): void
  written(accessUnits: number, bytes: number, latencyMs: number): void
  received(): void
  lost(accessUnits: number, cause: GapCause): void
}

/** What a recording is made of and reports to. */
export interface RecordingOptions {
  readonly id: string
  readonly ruleId: string | null
  readonly request: ResolvedRequest
  readonly runtime: Runtime
  readonly settings: RecorderSettings
  readonly disk: PartDisk
  readonly transcoder: AudioTranscoder
  readonly events: RecordingEvents
  /** The recording this one goes on with (append). */
  readonly previous: RecordingDocument | undefined
  readonly refusal: () => TapedeckError | undefined
  /** Resolves when everything reported so far would be found after a crash. Default: at once. */
  readonly stored?: () => Promise<void>
}
