import type { CompleteRequest, TileFacts } from '#compose/request.ts'
import type { ContainerName } from '#containers/container.ts'
import type { PartTrackDocument } from '#storage/recording-document.ts'

// All times are milliseconds of the composition, from its beginning, unless they are a file's own.

/** A file of a kept track. */
export interface TaskPart {
  /** Absolute. */
  readonly path: string
  /** Where it begins on its recording's timeline. */
  readonly startMs: number
  /** Its times begin anywhere, so that its first access unit is its zero. */
  readonly hasOwnZero: boolean
}

/** A stretch of a recording's timeline, and where it lies. */
export interface TaskSpan {
  /** On the recording's timeline. */
  readonly startMs: number
  readonly fromMs: number
  readonly toMs: number
}

/** A kept track: what is to be seen and heard of it. */
export interface TaskTrack {
  readonly recordingId: string
  readonly facts: TileFacts
  /** In order. */
  readonly spans: readonly TaskSpan[]
  /** By how much longer everything lasts than on the recording's timeline. */
  readonly rate: number
  /** When its tile is there. */
  readonly presences: readonly { readonly fromMs: number; readonly toMs: number }[]
  readonly parts: readonly TaskPart[]
}

/** First of all: what the child is to make. */
export interface BeginMessage {
  readonly kind: 'begin'
  readonly request: CompleteRequest
  readonly tracks: readonly TaskTrack[]
  readonly durationMs: number
  readonly container: ContainerName
  /** Absolute path of the empty file that it goes to. */
  readonly output: string
  readonly createdAtMs: number
  readonly fragmentMs: number
  readonly mp4IndexBytes: number
}

/** How much of a core it may take now: 0 to 1. */
export interface ShareMessage {
  readonly kind: 'share'
  readonly share: number
}

/** From the server to the child. */
export type ChildInput = BeginMessage | ShareMessage

/** It is so far; comes several times a second, also while it waits. */
export interface ProgressMessage {
  readonly kind: 'progress'
  readonly composedMs: number
}

/** The file is complete. */
export interface MadeMessage {
  readonly kind: 'made'
  readonly durationMs: number
  readonly bytes: number
  readonly tracks: readonly PartTrackDocument[]
}

/** It can't be made. */
export type FailedMessage =
  | { readonly kind: 'failed'; readonly cause: 'gone'; readonly recordingId: string; readonly path: string }
  | {
      readonly kind: 'failed'
      readonly cause: 'damaged'
      readonly recordingId: string
      readonly path: string
      readonly reason: string
    }
  | { readonly kind: 'failed'; readonly cause: 'storage'; readonly errno: string; readonly message: string }

/** From the child to the server. */
export type ChildOutput = ProgressMessage | MadeMessage | FailedMessage
