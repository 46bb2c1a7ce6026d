/** The shapes `/api/v1` answers with. A recording is the same shape everywhere, so it has one definition. */
export type {
  GapDocument,
  PartDocument,
  RecordingDocument,
  RecordingState,
} from '../../../src/storage/recording-document.ts'

import type { GapDocument, PartDocument, RecordingDocument } from '../../../src/storage/recording-document.ts'

/** One of a live stream's tracks. */
export interface StreamTrackDocument {
  readonly trackId: number
  readonly kind: 'video' | 'audio'
  readonly codec: string
  /** RFC 6381, e.g. `avc1.64001f`. */
  readonly codecString: string
  readonly width?: number
  readonly height?: number
  /** 0 or absent: not promised by the bitstream. */
  readonly frameRate?: number
  readonly sampleRateHz?: number
  readonly channels?: number
}

/** A stream somebody publishes now. */
export interface StreamDocument {
  /** Of this publication: a path published again has another. */
  readonly id: string
  readonly path: string
  readonly protocol: string
  /** ISO 8601. */
  readonly since: string
  readonly remoteAddress: string
  /** What the encoder calls itself; empty when it does not say. */
  readonly encoder: string
  readonly tracks: readonly StreamTrackDocument[]
  readonly bitrateBps: number
  /** Ids of the recordings in progress. */
  readonly recordings: readonly string[]
}

/** Who answers, and where encoders send their streams. */
export interface ServerDocument {
  readonly name: string
  readonly version: string
  readonly node: string
  /** `server` is an encoder's "server" field: the address with the application, without the stream name. */
  readonly publish: readonly { readonly protocol: string; readonly url: string; readonly server: string }[]
  /** Containers a recording may be asked for. */
  readonly formats: readonly { readonly name: string; readonly isPlayableInBrowsers: boolean }[]
  /** What our credential allows. */
  readonly access: { readonly name: string; readonly permissions: readonly string[] }
}

/** A page of the library, newest first. */
export interface RecordingPage {
  readonly recordings: readonly RecordingDocument[]
  /** Null on the last page. */
  readonly nextCursor: string | null
}

/** Whether a rule records by itself, leaves it to callers, or keeps everybody from recording. */
export type RuleRecord = 'always' | 'demand' | 'never'

/** The fields of a recording request that the form knows; a rule may hold more, which are kept as they are. */
export interface RuleRequest {
  readonly format?: string
  readonly name?: string
  readonly ifExists?: string
  readonly rotate?: {
    readonly seconds?: number
    readonly bytes?: number
    readonly at?: string
    readonly cut?: 'keyframe' | 'exact'
  }
  readonly preRollSeconds?: number
  readonly reconnectSeconds?: number
  readonly maxSeconds?: number
  readonly [other: string]: unknown
}

/** What a rule is made of. */
export interface RuleFields {
  /** Glob over stream paths. */
  readonly match: string
  readonly record: RuleRecord
  /** Records besides what other rules do. */
  readonly additional: boolean
  /** Removed when the first recording it has started is over. */
  readonly once: boolean
  readonly enabled: boolean
  /** Higher first. */
  readonly priority: number
  readonly request: RuleRequest
}

/** A rule, as the server keeps it. Those of origin `config` can't be changed here. */
export interface RuleDocument extends RuleFields {
  readonly id: string
  readonly metadata: Readonly<Record<string, string>>
  readonly origin: 'config' | 'api'
}

/** A stream this server fetches from elsewhere. */
export interface PullDocument {
  readonly id: string
  readonly path: string
  /** Credentials hidden. */
  readonly url: string
  /** Reconnects for ever; else it is tried once. */
  readonly keepAlive: boolean
  /** A TLS origin must have a certificate that the server trusts. */
  readonly verifyTls: boolean
  /** RTSP: how media travels. */
  readonly transport: 'auto' | 'udp' | 'tcp'
  readonly state: 'connecting' | 'streaming' | 'waiting' | 'failed' | 'ended'
  readonly lastError: { readonly code: string; readonly message: string } | null
  readonly attempts: number
  /** ISO 8601: of the state. */
  readonly since: string
  readonly origin: 'config' | 'api'
  readonly metadata: Readonly<Record<string, string>>
}

/** Where a webhook delivery stands. `dead`: given up; it can be replayed. */
export type DeliveryState = 'pending' | 'delivered' | 'dead'

/** Something of the operator's that is told of events. */
export interface HookDocument {
  readonly name: string
  readonly kind: 'exec' | 'webhook'
  /** The executable, or the address without login and query. */
  readonly target: string
  readonly match: string
  readonly events: readonly string[]
  readonly isSigned: boolean
  readonly deliveries: Readonly<Record<DeliveryState, number>>
  /** Deliveries there was no room for, since the start. */
  readonly refused: number
  readonly lastAttempt: {
    /** ISO 8601. */
    readonly at: string
    readonly verdict: 'delivered' | 'retry' | 'dead' | 'interrupted'
    readonly event: string
    readonly status: number | null
    readonly error: string | null
    readonly durationMs: number
  } | null
}

/** One event on its way to one webhook. Times are ISO 8601. */
export interface DeliveryDocument {
  readonly id: string
  /** Name of the hook. */
  readonly webhook: string
  readonly event: { readonly id: string; readonly type: string }
  readonly stream: string
  readonly recording: string | null
  readonly state: DeliveryState
  readonly attempts: number
  readonly createdAt: string
  /** Null when it is over. */
  readonly nextAttemptAt: string | null
  readonly endedAt: string | null
  /** HTTP status of the last attempt; null when there was none, or no answer. */
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly lastDurationMs: number | null
}

/** A delivery with what is sent. */
export interface DeliveryWithBody extends DeliveryDocument {
  readonly body: unknown
}

/** A page of deliveries, newest first. */
export interface DeliveryPage {
  readonly deliveries: readonly DeliveryDocument[]
  readonly nextCursor: string | null
}

/** What a rule would do, while it is written. */
export interface RulePreview {
  /** Live streams that it matches, the first of them by path. */
  readonly streams: readonly string[]
  readonly total: number
  /** A stream that it matches, live or made up, and its file below the root. */
  readonly example: { readonly stream: string; readonly path: string }
}

/** A recording as an event tells of it: with the part concerned alone, or, as answers do, with all of them. */
export type ToldRecording = RecordingDocument & { readonly partCount?: number }

/** What the server announces by `/events`. */
export type ServerEvent =
  | { readonly type: 'stream.started' | 'stream.ended'; readonly stream: { readonly path: string } }
  | { readonly type: `recording.${string}`; readonly recording: ToldRecording; readonly gap?: GapDocument }
  | { readonly type: `rule.${string}`; readonly rule: RuleDocument }
  | { readonly type: `pull.${string}`; readonly pull: PullDocument }
  | { readonly type: `part.${string}`; readonly recording: ToldRecording; readonly part: PartDocument }
  | { readonly type: `composition.${string}`; readonly composition: { readonly id: string } }
  | { readonly type: `compose-job.${string}`; readonly job: { readonly id: string } }
  | { readonly type: `session.${string}`; readonly session: { readonly id: string } }

/** RFC 9457, as the API sends it. */
export interface ProblemBody {
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly status?: number
  /** Every field that is wrong, as `body.rotate.seconds`, and what would be right. */
  readonly problems?: readonly FieldProblem[]
}

/** What is wrong with one field of a request. */
export interface FieldProblem {
  readonly field: string
  readonly message: string
}
