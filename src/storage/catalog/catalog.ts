import type { DamagedPolicy, PullTransport } from '#base/pull-options.ts'
import type { PartDocument, RecordingDocument, RecordingState } from '../recording-document.ts'

/** Which recordings to list. */
export interface RecordingQuery {
  readonly stream?: string
  readonly state?: RecordingState
  /** ISO 8601; compared with requestedAt. */
  readonly from?: string
  readonly to?: string
  /** 1 to 1000; default 100. */
  readonly limit?: number
  /** From the page before; opaque. */
  readonly cursor?: string
}

/** One page of a list. */
export interface RecordingPage {
  /** Newest first. */
  readonly recordings: readonly RecordingDocument[]
  /** Undefined on the last page. */
  readonly nextCursor: string | undefined
}

/** See {@link RuleRow.record}. */
export const RULE_RECORDS = ['always', 'demand', 'never'] as const
export type RuleRecord = (typeof RULE_RECORDS)[number]

/** A rule as stored: the caller's request, by itself started whenever a stream matches. */
export interface RuleRow {
  readonly id: string
  readonly match: string
  /** Fields of a recording request, without `stream`. JSON. */
  readonly request: Readonly<Record<string, unknown>>
  readonly enabled: boolean
  /** Higher first; the first match that is not `additional` decides. */
  readonly priority: number
  /**
   * `always`: every matching stream is recorded. `demand`: this rule starts nothing, callers may. `never`: nothing is
   * started for these streams, callers are refused.
   */
  readonly record: RuleRecord
  /** Records besides whatever other rules do: deciding goes on with the next rule. Never together with `never`. */
  readonly additional: boolean
  /** Removed when the first recording it has started is over. */
  readonly once: boolean
  /** Labels of whoever made it. */
  readonly metadata: Readonly<Record<string, string>>
  /** `config` rules come from the configuration file and can't be changed through the API. */
  readonly origin: 'config' | 'api'
}

/** A stream to be fetched from another server, as stored. */
export interface PullRow {
  readonly id: string
  /** The node that fetches it. */
  readonly node: string
  /** Where it is published. */
  readonly path: string
  /** With its credentials. */
  readonly url: string
  readonly keepAlive: boolean
  readonly verifyTls: boolean
  readonly transport: PullTransport
  readonly damaged: DamagedPolicy
  readonly metadata: Readonly<Record<string, string>>
  /** Only `api` pulls are stored. */
  readonly origin: 'config' | 'api'
}

/** Which part of which recording. */
export interface PartKey {
  readonly recordingId: string
  readonly index: number
}

/** A part that is to be hashed, and its file. */
export interface UndigestedPart extends PartKey {
  readonly root: string
  readonly path: string
}

/** Where recordings are remembered. Asynchronous: SQLite runs in a worker thread, another backend is a server. */
export interface Catalog extends AsyncDisposable {
  /** Inserts or replaces the recording with its parts, ledger and gaps. */
  save(recording: RecordingDocument): Promise<void>
  get(id: string): Promise<RecordingDocument | undefined>
  /** One part of a recording that may have thousands. */
  part(id: string, index: number): Promise<PartDocument | undefined>
  list(query: RecordingQuery): Promise<RecordingPage>
  /** Recordings a crash left in `waiting`, `recording` or `finishing` on this node, newest first. */
  unfinished(node: string): Promise<readonly RecordingDocument[]>
  /**
   * Final parts of this node's ready recordings that have no digest, since a stop of the server came before it; without
   * those whose file was found gone. Oldest recordings first.
   * @param after the last part of the page before
   */
  undigested(node: string, limit: number, after?: PartKey): Promise<readonly UndigestedPart[]>
  /** The file of this part was not there any more when it was to be hashed: there is nothing to try again for. */
  noteFileGone(part: PartKey): Promise<void>
  /** Recordings of this node with a file that has not its last name (PartDocument.rename). Newest first. */
  renaming(node: string): Promise<readonly RecordingDocument[]>
  remove(id: string): Promise<void>
  /** Recordings that have a part with this root and relative path, newest first. */
  findByPart(root: string, path: string): Promise<readonly RecordingDocument[]>
  /** Sums for retention and metrics. */
  totals(): Promise<{ recordings: number; parts: number; bytes: number }>
  /** Ready, not held recordings, oldest first: what retention may delete. */
  oldest(limit: number): Promise<readonly RecordingDocument[]>
  /** Every path of a part known here: `root` NUL `path`. */
  knownPaths(): Promise<ReadonlySet<string>>
  saveRule(rule: RuleRow): Promise<void>
  removeRule(id: string): Promise<void>
  rules(): Promise<readonly RuleRow[]>
  savePull(pull: PullRow): Promise<void>
  removePull(id: string): Promise<void>
  /** Of this node, oldest first. */
  pulls(node: string): Promise<readonly PullRow[]>
}
