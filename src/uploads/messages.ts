import type { ContainerName } from '#containers/container.ts'
import type { PartTrackDocument } from '#storage/recording-document.ts'

/** What the process that takes an upload over is told, as one line of JSON on its input. */
export interface TakeOverTask {
  /** Absolute path of the bytes as they came. */
  readonly input: string
  /** Absolute path of the empty file that gets the media. */
  readonly output: string
  readonly fragmentMs: number
  readonly mp4IndexBytes: number
}

/** What it answers, as one line of JSON on its output. */
export type TakeOverAnswer =
  | { readonly outcome: 'made'; readonly made: MadeFile }
  | { readonly outcome: 'not-media'; readonly reason: string }
  | { readonly outcome: 'nothing-usable'; readonly reasons: readonly string[] }
  | { readonly outcome: 'not-held'; readonly reason: string }
  | { readonly outcome: 'storage'; readonly errno: string; readonly message: string }

/** A finished file of ours. */
export interface MadeFile {
  readonly format: ContainerName
  readonly durationMs: number
  readonly bytes: number
  readonly tracks: readonly PartTrackDocument[]
  /** Access units that could not be kept, by track. */
  readonly lost: readonly { readonly trackId: number; readonly accessUnits: number }[]
  /** Tracks left out, and why. */
  readonly left: readonly string[]
  /** The file ends in the middle of something. */
  readonly isCutOff: boolean
}
