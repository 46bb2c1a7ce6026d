import type { Signal } from '#base/events.ts'
import type { Layout } from '#compose/layout/layouts.ts'
import type { ContainerName } from '#containers/container.ts'
import type { ProblemDocument } from '#storage/recording-document.ts'

/** The life of a job, in order; it ends `ready`, `failed` or `cancelled`. */
export const RECOMPOSITION_STATES = ['waiting', 'composing', 'ready', 'failed', 'cancelled'] as const
/** One of {@link RECOMPOSITION_STATES}. */
export type RecompositionState = (typeof RECOMPOSITION_STATES)[number]

/** Containers that hold what is composed, H.264 and AAC. */
export const RECOMPOSITION_FORMATS = ['mp4', 'mkv', 'flv', 'ts'] as const satisfies readonly ContainerName[]
/** One of {@link RECOMPOSITION_FORMATS}. */
export type RecompositionFormat = (typeof RECOMPOSITION_FORMATS)[number]

/** What is to be composed of recordings, and how. What is undefined follows from them. */
export interface NewRecomposition {
  /** A recording of a room, composed or one of its tracks: all tracks of the room's recording are meant. */
  readonly recording: string
  /** Exactly `recording` and these are meant. */
  readonly with?: readonly string[] | undefined
  /** Default `best-fit`. */
  readonly layout?: Layout | undefined
  /** Default as it was composed live, else 1280 × 720. */
  readonly widthPixels?: number | undefined
  readonly heightPixels?: number | undefined
  /** Pictures a second; default 25. */
  readonly frameRate?: number | undefined
  /** Default: whether there are any. */
  readonly video?: boolean | undefined
  readonly audio?: boolean | undefined
  readonly videoBitrateBps?: number | undefined
  readonly audioBitrateBps?: number | undefined
  /** Default `mp4`. */
  readonly format?: RecompositionFormat | undefined
  /** Path of the stream it is filed under; default that of the live composition, else the first's with `-composed`. */
  readonly stream?: string | undefined
  /** File name, taken literally below the stream's folder. Default: the template. */
  readonly name?: string | undefined
  /** Labels of the caller's own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** A job as the API shows it. Times of day are ISO 8601, UTC. */
export interface RecompositionDocument {
  readonly id: string
  readonly state: RecompositionState
  /** 0 to 1, of the composition's duration. */
  readonly progress: number
  /** What it is filed under. */
  readonly stream: string
  /** What it is made from, in the order they came. */
  readonly recordings: readonly string[]
  readonly layout: Layout
  readonly video: boolean
  readonly audio: boolean
  readonly widthPixels: number
  readonly heightPixels: number
  readonly frameRate: number
  readonly format: RecompositionFormat
  /** Of the composition. */
  readonly durationMs: number
  readonly requestedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  /** What it was made into: an ordinary recording; null until it is ready. */
  readonly recording: string | null
  readonly error: ProblemDocument | null
}

/** A job waits, begins, or is over. */
export interface RecompositionEvent {
  readonly type: 'compose-job.changed'
  readonly job: RecompositionDocument
}

/** Makes compositions of recordings, later than they were recorded. */
export interface RecompositionsApi {
  readonly events: Signal<RecompositionEvent>
  /**
   * Resolves when the job is accepted; one job is done at a time, with what live compositions leave of the machine.
   * @param require throws where the caller may not view a source, or record to the output
   * @throws {TracksNotKeptError} @throws {TrackNotFinalError} @throws {TrackGoneError} @throws {TrackDamagedError}
   * @throws {CompositionRequestError} @throws {TooManyRecompositionsError} @throws {ComposerBusyError} nothing may be
   *   composed on this machine @throws {RecordingNotFoundError}
   */
  begin(
    request: NewRecomposition,
    require: (permission: 'view' | 'record', stream: string) => void,
  ): Promise<RecompositionDocument>
  /** Those that wait or go on and the latest that are over, newest first. */
  list(): readonly RecompositionDocument[]
  /** @throws {RecompositionNotFoundError} */
  get(id: string): RecompositionDocument
  /** Nothing is left of it. @throws {RecompositionNotFoundError} @throws {RecompositionOverError} */
  cancel(id: string): Promise<RecompositionDocument>
}
