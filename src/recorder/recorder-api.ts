import type { Signal } from '#base/events.ts'
import type { ContainerName } from '#containers/container.ts'
import type { RecordingPage, RecordingQuery, RuleRow } from '#storage/catalog/catalog.ts'
import type { GapDocument, PartDocument, PartTrackDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { NewRule } from './new-rule.ts'
import type { RecordingRequest } from './request.ts'

/** What happens to recordings, as events of the API and the webhooks. */
export type RecordingEvent =
  | {
      readonly type: 'recording.waiting' | 'recording.started' | 'recording.finishing'
      readonly recording: RecordingDocument
    }
  | { readonly type: 'recording.ready' | 'recording.failed'; readonly recording: RecordingDocument }
  | { readonly type: 'recording.deleted'; readonly recording: RecordingDocument }
  /** The disk refuses bytes, or takes them again; `recording.error` says which. */
  | { readonly type: 'recording.impaired' | 'recording.resumed'; readonly recording: RecordingDocument }
  | { readonly type: 'recording.gap'; readonly recording: RecordingDocument; readonly gap: GapDocument }
  | { readonly type: 'part.opened' | 'part.ready'; readonly recording: RecordingDocument; readonly part: PartDocument }
  /** The file of a finished part has made room for a new recording of its name; `part.path` is the new one. */
  | { readonly type: 'part.renamed'; readonly recording: RecordingDocument; readonly part: PartDocument }

/** A finished file that was recorded elsewhere. */
export interface AdoptedFile {
  /** Path of the stream it is filed under. */
  readonly stream: string
  readonly root: string
  /** Where it lies now, relative to the root. */
  readonly temporaryPath: string
  /** Its name, relative to the root and without extension; undefined: the template's. */
  readonly path: string | undefined
  readonly format: ContainerName
  /** Milliseconds since 1970 UTC. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly bytes: number
  readonly tracks: readonly PartTrackDocument[]
  /** Access units of the original that are not in it, by track. */
  readonly lost: readonly { readonly trackId: number; readonly accessUnits: number }[]
  readonly metadata: Readonly<Record<string, string>>
}

/** What happens to rules. Those of the configuration are there from the start, so nothing is told of them. */
export interface RuleEvent {
  readonly type: 'rule.added' | 'rule.changed' | 'rule.removed'
  /** As it is now; of a removed one, as it was. */
  readonly rule: RuleRow
}

/** Everything the recorder tells. */
export type RecorderEvent = RecordingEvent | RuleEvent

/** Counters for metrics, since the start of the process. */
export interface RecorderCounters {
  readonly received: number
  readonly written: number
  readonly lostByCause: Readonly<Record<string, number>>
  readonly writtenBytes: number
  /** Bytes waiting for the disk now, all recordings. */
  readonly queuedBytes: number
}

/** Told how long the disk takes, for histograms. Called often: keep it cheap. */
export interface RecorderObserver {
  /** One batch of a part's bytes reached the kernel. */
  written(durationMs: number, bytes: number): void
  /** One part was completed: index written, file final. */
  finished(durationMs: number): void
}

/** A part in somebody's hands; dispose it to give it back. */
export interface LentPart extends Disposable {
  readonly part: PartDocument
}

/** The recorder as control/ sees it. Implemented by recorder.ts. */
export interface RecorderApi {
  readonly events: Signal<RecorderEvent>
  readonly counters: RecorderCounters
  /** True once the catalog is open and new recordings are accepted; finishing what a crash left may still go on. */
  readonly isReady: boolean
  /** Adds an observer; dispose the result to remove it. */
  observe(observer: RecorderObserver): Disposable
  /**
   * Resolves once the recording is accepted: state `waiting`, or `recording` soon.
   * @throws {RecordingNotAllowedError} a rule says that this stream is never recorded
   * @throws TapedeckError subclasses
   */
  start(request: RecordingRequest): Promise<RecordingDocument>
  /**
   * Path below its root that the first file of such a recording would have now: the stream need not be there, so codecs
   * are unknown, and whether the name is taken is not looked at. @throws {RequestInvalidError} @throws {NameTemplateError}
   */
  expectedPath(request: RecordingRequest): string
  /** Resolves when the file is final (state ready or failed). Stopping a finished recording gives it as it is. */
  stop(id: string): Promise<RecordingDocument>
  /** Cuts a new part at the next random access point, or at once where the recording's cuts are exact. */
  split(id: string): Promise<RecordingDocument>
  get(id: string): Promise<RecordingDocument>
  list(query: RecordingQuery): Promise<RecordingPage>
  /**
   * Makes a finished file of ours, which lies in a root under a name of its own, a recording: under its last name, ready.
   * @throws {RecorderClosedError} @throws {NameTakenError} @throws {StorageError} the file is where it was
   */
  adopt(file: AdoptedFile): Promise<RecordingDocument>
  /** Files and row. @throws {RecordingBusyError} while it records or is held (409) */
  remove(id: string): Promise<void>
  setHeld(id: string, held: boolean): Promise<RecordingDocument>
  /** Absolute path of a part for reading. @throws {RecordingNotFoundError} */
  partFile(id: string, index: number): Promise<{ path: string; part: PartDocument; recording: RecordingDocument }>
  /**
   * A part as its file is called now, for somebody who is about to do something to the file: until he gives it back, it
   * does not make room for a new recording of its name.
   * @throws {PartNotFoundError} it was deleted or replaced @throws {RecordingBusyError} it is being renamed for very long
   */
  lendPart(id: string, index: number): Promise<LentPart>
  /** Recordings of a stream that are in progress. */
  active(stream?: string): readonly RecordingDocument[]
  rules(): readonly RuleRow[]
  /** Starts at once what it records of the streams that are there. Resolves when it will survive a restart. */
  addRule(rule: NewRule): Promise<RuleRow>
  /** Streams that the change makes it record are recorded at once; what it has started goes on. */
  updateRule(id: string, change: Partial<NewRule>): Promise<RuleRow>
  /** @param options.stop ends what it has started, and resolves when that is final; default: that goes on */
  removeRule(id: string, options?: { readonly stop?: boolean }): Promise<void>
}
