import type { ContainerName } from '#containers/container.ts'

/**
 * What the product says about a recording: the API's answer, the manifest's content and the catalog's row are this one
 * shape. Times of day are ISO 8601 in UTC; durations are milliseconds; positions are relative to the recording's zero.
 */
export interface RecordingDocument {
  readonly id: string
  /** The node that owns the recording (design: many nodes may share a catalog). */
  readonly node: string
  readonly stream: string
  readonly state: RecordingState
  /** Of the first part, and of every other that names none. */
  readonly format: ContainerName
  /** Id of the rule that started it; null when a caller did. */
  readonly rule: string | null
  /** First access unit's wall clock; null while waiting. */
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly requestedAt: string
  readonly durationMs: number
  readonly bytes: number
  readonly parts: readonly PartDocument[]
  readonly ledger: LedgerDocument
  /** Whatever the caller attached: labels of his own. */
  readonly metadata: Readonly<Record<string, string>>
  /** Held recordings are never deleted, by nobody. */
  readonly held: boolean
  /** What went wrong last; present with state `failed`, and with `recording` while the disk refuses bytes. */
  readonly error: ProblemDocument | null
  /**
   * While a second of the recording passes, so many microseconds more pass on the server: the publisher's clock runs slower.
   * Absent while nobody can know, which takes minutes.
   */
  readonly clockDriftPpm?: number
}

/** The life of a recording, in order; `failed` can follow any but `ready`. */
export const RECORDING_STATES = ['waiting', 'recording', 'finishing', 'ready', 'failed'] as const
/** One of {@link RECORDING_STATES}. */
export type RecordingState = (typeof RECORDING_STATES)[number]

/** An error as documents carry it. */
export interface ProblemDocument {
  readonly code: string
  readonly message: string
}

/** One file of a recording. */
export interface PartDocument {
  /** From 1. */
  readonly index: number
  /** Relative to the recording root it lies in, with forward slashes. */
  readonly path: string
  /** Which of the allowed roots, as configured. */
  readonly root: string
  /** `open` while written, `ready` when final, `damaged` when finishing failed (the bytes are kept). */
  readonly state: 'open' | 'ready' | 'damaged'
  readonly startedAt: string
  /** What the source's own wall clock said there (of RTP, by its sender reports); null when it has not told. */
  readonly sourceStartedAt: string | null
  /** Where the part begins on the recording's timeline. */
  readonly startMs: number
  readonly durationMs: number
  readonly bytes: number
  /** Of the final file, lower-case hex; null until computed (in the background, after `ready`). */
  readonly sha256: string | null
  readonly tracks: readonly PartTrackDocument[]
  /** Where it is not the recording's: the publisher came to send what that one can't hold. */
  readonly format?: ContainerName
  /** Its file is to be called otherwise; absent once it has its last name. */
  readonly rename?: PartRename
}

/** What kind of file a part is. */
export function partFormat(recording: Pick<RecordingDocument, 'format'>, part: PartDocument): ContainerName {
  return part.format ?? recording.format
}

/** How a part's file will be called. */
export interface PartRename {
  /** Path it is being given, noted before it is: after a crash in between, the file is there if anything is. */
  readonly to?: string
  /** What the recorder makes the last name from once the part is final; absent: the present name is the last. */
  readonly recipe?: string
  /** The recipe once the file is called `to`. */
  readonly nextRecipe?: string
}

/** One track of a part, as far as it is known. */
export interface PartTrackDocument {
  readonly trackId: number
  readonly kind: 'video' | 'audio'
  readonly codec: string
  /** RFC 6381, e.g. `avc1.64001f`. */
  readonly codecString: string
  readonly accessUnits: number
  readonly payloadBytes: number
  readonly width?: number
  readonly height?: number
  readonly sampleRateHz?: number
  readonly channels?: number
  /** It was transcoded: what arrived, and how many of its access units end in the sound of this part. */
  readonly source?: { readonly codec: string; readonly accessUnits: number }
  /** Access units of silence among them that nobody sent, where sound was missing; absent: none. */
  readonly filled?: number
}

/** Access units, as they were received, that a track of a part holds: of a transcoded one those of its source, no silence. */
export function receivedUnits({
  accessUnits,
  source,
  filled = 0,
}: Pick<PartTrackDocument, 'accessUnits' | 'source' | 'filled'>): number {
  return source?.accessUnits ?? accessUnits - filled
}

/** Per track: received = written + lost, always once the recording has ended (promise 2). */
export interface LedgerDocument {
  readonly tracks: readonly LedgerTrackDocument[]
  readonly gaps: readonly GapDocument[]
}

/** The account of one track: access units received = written + lost. */
export interface LedgerTrackDocument {
  readonly trackId: number
  readonly kind: 'video' | 'audio'
  /** As received. */
  readonly codec: string
  /** As written, where that is another. `written` then counts the access units received whose sound was. */
  readonly transcoded?: string
  readonly received: number
  readonly written: number
  readonly lost: number
}

/** Why media is missing. */
export const GAP_CAUSES = ['network', 'publisher', 'disk', 'restart', 'overload'] as const
/** One of {@link GAP_CAUSES}. */
export type GapCause = (typeof GAP_CAUSES)[number]

/** A stretch of the recording where media is missing. */
export interface GapDocument {
  /** 0: all tracks (a reconnect, a restart). */
  readonly track: number
  /** On the recording's timeline. Equal when the missing time was cut out (a reconnect, a timestamp jump). */
  readonly fromMs: number
  readonly toMs: number
  /** How much of the publisher's time is missing; 0 when nobody can know (a timestamp jump). */
  readonly missingMs: number
  /** Access units known to be lost; 0 when they never reached us (the publisher was away). */
  readonly accessUnits: number
  /** Packets that did not arrive, for causes where packets are what is lost; 0 otherwise. */
  readonly packets: number
  readonly cause: GapCause
  /** Wall clock when it was noticed, ISO 8601. */
  readonly at: string
}
