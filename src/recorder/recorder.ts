import type { TapedeckError } from '#base/error.ts'
import type { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import { within } from '#base/within.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { Births } from '#storage/births.ts'
import type { Catalog, RecordingPage, RecordingQuery, RuleRow } from '#storage/catalog/catalog.ts'
import { DISK, type PartFiles } from '#storage/part-files.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { adopt } from './adoption.ts'
import { Archive } from './archive.ts'
import { Beginnings } from './beginnings.ts'
import {
  PartNotFoundError,
  RecorderClosedError,
  RecordingBusyError,
  RecordingNotRunningError,
  StreamNotFoundError,
} from './errors.ts'
import { places } from './existing.ts'
import { FilesInUse } from './files-in-use.ts'
import { Journal, type RecordingStore } from './journal.ts'
import type { NewRule } from './new-rule.ts'
import type {
  AdoptedFile,
  LentPart,
  RecorderApi,
  RecorderCounters,
  RecorderEvent,
  RecorderObserver,
} from './recorder-api.ts'
import { Recording } from './recording.ts'
import { Reporter } from './reporter.ts'
import type { RecordingRequest } from './request.ts'
import { type ResolvedRequest, resolveRequest } from './request-defaults.ts'
import { RuleKeeper } from './rule-keeper.ts'
import { SetAside } from './set-aside.ts'
import type { RecorderSettings } from './settings.ts'
import { Tally } from './tally.ts'

/** Default of {@link RecorderOptions.tickMs}. */
const TICK_MS = 200

/** How often the ledger of a recording in progress is stored: what a crash may cost of it. */
const SAVE_EVERY_MS = 30_000

/** Default of {@link RecorderOptions.stopAnswerMs}. */
const STOP_ANSWER_MS = 15_000

/** How long a new file waits for the catalog: one that hangs must not keep the recording from its disk. */
const STORED_PATIENCE_MS = 1_000

/** How long the server waits for its recordings at its own end; the rest is finished at the next start. */
const CLOSE_PATIENCE_MS = 10_000

export interface RecorderOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly settings: RecorderSettings
  readonly catalog: Catalog
  readonly transcoder: AudioTranscoder
  /** Catalog row and manifest together; `remove` takes the files that no other recording shares, too. */
  readonly store: RecordingStore & { remove(recording: RecordingDocument): Promise<void> }
  /** Finishes what a crash left open, calling back with each recording as it is then. */
  readonly recover: (onRecovered: (recording: RecordingDocument) => Promise<void>) => Promise<void>
  readonly rules: readonly RuleRow[]
  /** Why nothing may be written below a root now (the free-space floor); undefined when it may. */
  readonly refusal: (root: string) => TapedeckError | undefined
  /** Default: the file system. */
  readonly files?: PartFiles
  /** Where files are noted before they are made. Default: nowhere. */
  readonly births?: Births
  /** How often recordings look at the clock: stalled streams, reconnect windows, a disk that refuses. Default 200. */
  readonly tickMs?: number
  /** How long stop() waits for a disk that refuses before it answers with the recording as it is. Default 15,000. */
  readonly stopAnswerMs?: number
}

/** All recordings of this node: starts them by request and by rule, finds them again, ends them. */
export class Recorder implements RecorderApi, AsyncDisposable {
  readonly #options: RecorderOptions
  readonly #runtime: Runtime
  readonly #journal: Journal
  readonly #reporter: Reporter
  readonly #archive: Archive
  readonly #setAside: SetAside
  readonly #beginnings: Beginnings
  readonly #rules: RuleKeeper
  readonly #tally = new Tally()
  readonly #recordings = new Map<string, Recording>()
  readonly #inUse = new FilesInUse()
  /** What recordings have replaced is being forgotten. */
  readonly #replacements = new Map<string, Promise<unknown>>()
  readonly #owned = new DisposableStack()
  readonly #recovery: Promise<void>
  #lastSaveMs: number
  #closed = false

  constructor(options: RecorderOptions) {
    const { runtime, hub } = options
    this.#options = options
    this.#runtime = runtime
    this.#journal = new Journal(options.store, runtime.log)
    this.#reporter = new Reporter({
      journal: this.#journal,
      tally: this.#tally,
      log: runtime.log,
      onFinal: (recording) => this.#forget(recording),
      onReplaced: (recording, place) => this.#forgetReplaced(recording, place),
    })
    this.#archive = new Archive({
      runtime,
      settings: options.settings,
      catalog: options.catalog,
      journal: this.#journal,
      events: this.#reporter.events,
      inProgress: this.#recordings,
      inUse: this.#inUse,
      remove: (recording) => options.store.remove(recording),
    })
    this.#setAside = new SetAside({
      catalog: options.catalog,
      archive: this.#archive,
      inUse: this.#inUse,
      events: this.#reporter.events,
      log: runtime.log,
    })
    this.#beginnings = new Beginnings({
      runtime,
      hub,
      settings: options.settings,
      catalog: options.catalog,
      archive: this.#archive,
      journal: this.#journal,
      inProgress: this.#recordings,
      recovered: () => this.#recovery,
      create: (request, ruleId, previous) => this.#create(request, ruleId, previous),
      remove: async (recording) => {
        await options.store.remove(recording)
        this.events.emit({ type: 'recording.deleted', recording })
      },
    })
    this.#rules = this.#owned.use(
      new RuleKeeper({
        runtime,
        hub,
        settings: options.settings,
        catalog: options.catalog,
        rules: options.rules,
        events: this.#reporter.events,
        inProgress: this.#recordings,
        isBeginning: (ruleId, stream) => this.#beginnings.isBeginning(ruleId, stream),
        begin: (rule, stream) => this.#beginnings.byRule(rule, stream),
      }),
    )
    this.#lastSaveMs = runtime.monotonicMs()
    this.#owned.use(hub.streamStarted.listen((stream) => this.#streamStarted(stream)))
    const timer = setInterval(() => this.#tick(), options.tickMs ?? TICK_MS)
    this.#owned.defer(() => clearInterval(timer))
    this.#recovery = options
      .recover(async (recording) => {
        const before = await options.catalog.get(recording.id)
        await options.store.save(recording)
        this.#reporter.recovered(before, recording)
      })
      .catch((error: unknown) => runtime.log.error({ event: 'recovery.failed', err: error }))
  }

  get events(): Signal<RecorderEvent> {
    return this.#reporter.events
  }

  get isReady(): boolean {
    return !this.#closed
  }

  get counters(): RecorderCounters {
    let queuedBytes = 0
    for (const recording of this.#recordings.values()) queuedBytes += recording.queuedBytes
    return this.#tally.counters(queuedBytes)
  }

  observe(observer: RecorderObserver): Disposable {
    return this.#tally.observe(observer)
  }

  async start(request: RecordingRequest): Promise<RecordingDocument> {
    const { hub, settings } = this.#options
    const resolved = resolveRequest(request, settings)
    if (this.#closed) throw new RecorderClosedError()
    this.#rules.checkAllowed(resolved.stream)
    const stream = hub.get(resolved.stream)
    if (stream === undefined && !resolved.waitForStream) throw new StreamNotFoundError(resolved.stream)
    const recording = await this.#beginnings.byRequest(resolved, stream)
    const document = recording.toDocument()
    await this.#journal.settled(document.id)
    return recording.isFinal ? document : recording.toDocument()
  }

  expectedPath(request: RecordingRequest): string {
    const { settings } = this.#options
    const [place] = places(settings, resolveRequest(request, settings), this.#runtime, this.#runtime.newId())
    return place?.path ?? ''
  }

  async stop(id: string): Promise<RecordingDocument> {
    const recording = this.#recordings.get(id)
    if (recording === undefined) return this.get(id)
    await within(this.#options.stopAnswerMs ?? STOP_ANSWER_MS, recording.stop())
    await this.#journal.settled(id)
    // Whoever asks next finds one recording in the place, not two.
    await this.#replacements.get(id)
    return recording.toDocument()
  }

  async split(id: string): Promise<RecordingDocument> {
    const recording = this.#recordings.get(id)
    if (recording === undefined || recording.state !== 'recording') {
      throw new RecordingNotRunningError(id, (await this.get(id)).state)
    }
    recording.split()
    return recording.toDocument()
  }

  get(id: string): Promise<RecordingDocument> {
    return this.#archive.get(id)
  }

  list(query: RecordingQuery): Promise<RecordingPage> {
    return this.#archive.list(query)
  }

  async adopt(file: AdoptedFile): Promise<RecordingDocument> {
    // What is on its way to its name looks as if a crash had left it.
    await this.#recovery
    if (this.#closed) throw new RecorderClosedError()
    const { settings, store } = this.#options
    return adopt(file, {
      runtime: this.#runtime,
      settings,
      journal: this.#journal,
      inUse: this.#inUse,
      events: this.events,
      forget: (recording) => store.remove(recording),
    })
  }

  async remove(id: string): Promise<void> {
    // As long as the catalog knows another recording of its file, the file would stay.
    await this.#replacements.get(id)
    await this.#archive.remove(id)
  }

  async setHeld(id: string, held: boolean): Promise<RecordingDocument> {
    const recording = this.#recordings.get(id)
    if (recording === undefined) return this.#archive.setHeld(id, held)
    recording.held = held
    const document = this.#reporter.note(recording, 'now')
    await this.#journal.settled(id)
    return document
  }

  partFile(id: string, index: number): Promise<{ path: string; part: PartDocument; recording: RecordingDocument }> {
    return this.#archive.partFile(id, index)
  }

  async lendPart(id: string, index: number): Promise<LentPart> {
    try {
      return await this.#archive.lendPart(id, index)
    } catch (error) {
      if (!(error instanceof PartNotFoundError)) throw error
      // A catalog that was lost is just being made again.
      await this.#recovery
      return this.#archive.lendPart(id, index)
    }
  }

  active(stream?: string): readonly RecordingDocument[] {
    const documents: RecordingDocument[] = []
    for (const recording of this.#recordings.values()) {
      if (stream === undefined || recording.request.stream === stream) documents.push(recording.toDocument())
    }
    return documents
  }

  /** Notes digests of finished parts, wherever their recording is by now. @param digests by index of the part */
  async digested(id: string, digests: ReadonlyMap<number, string>): Promise<void> {
    const recording = this.#recordings.get(id)
    if (recording !== undefined) {
      for (const [index, sha256] of digests) recording.digested(index, sha256)
      this.#reporter.note(recording, 'soon')
      return
    }
    await this.#archive.amend(id, (document) => {
      const parts = document.parts.map((part) => {
        const sha256 = digests.get(part.index)
        return sha256 === undefined ? part : { ...part, sha256 }
      })
      return { ...document, parts }
    })
  }

  rules(): readonly RuleRow[] {
    return this.#rules.list()
  }

  addRule(rule: NewRule): Promise<RuleRow> {
    return this.#rules.add(rule)
  }

  updateRule(id: string, change: Partial<NewRule>): Promise<RuleRow> {
    return this.#rules.update(id, change)
  }

  async removeRule(id: string, options: { readonly stop?: boolean } = {}): Promise<void> {
    await this.#rules.remove(id)
    if (options.stop !== true) return
    await this.#beginnings.begun(id)
    const started = [...this.#recordings.values()].filter(({ ruleId }) => ruleId === id)
    await Promise.all(started.map((recording) => this.stop(recording.id)))
  }

  /** Ends all recordings and waits a bounded time for their files; the rest is finished at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const stops = [...this.#recordings.values()].map((recording) => recording.stop())
    await within(CLOSE_PATIENCE_MS, Promise.all(stops))
    await this.#rules.settled()
    this.#owned.dispose()
    await this.#recovery
    await this.#setAside.settled()
    await Promise.all(this.#replacements.values())
    await this.#journal.allSettled()
  }

  /** @throws {RecordingBusyError} the recording to go on with has been taken up meanwhile */
  #create(request: ResolvedRequest, ruleId: string | null, previous?: RecordingDocument): Recording {
    if (this.#closed) throw new RecorderClosedError()
    if (previous !== undefined && this.#recordings.has(previous.id))
      throw new RecordingBusyError(previous.id, previous.state)
    const id = previous?.id ?? this.#runtime.newId()
    if (previous !== undefined) this.#claim(previous)
    const recording = new Recording({
      id,
      ruleId,
      request,
      runtime: this.#runtime,
      settings: this.#options.settings,
      transcoder: this.#options.transcoder,
      disk: {
        files: this.#options.files ?? DISK,
        inUse: this.#inUse,
        births: this.#options.births,
        setAside: (root, path) => this.#setAside.run({ root, path }),
        isKnown: async (root, path) => (await this.#options.catalog.findByPart(root, path)).length > 0,
      },
      events: this.#reporter.recordingEvents,
      previous,
      refusal: () => this.#options.refusal(request.root),
      stored: () => within(STORED_PATIENCE_MS, this.#journal.settled(id)),
    })
    this.#recordings.set(recording.id, recording)
    this.#reporter.accepted(recording)
    return recording
  }

  /**
   * Before anybody can replace a file that is to be gone on with: it is opened only when enough has come to go on.
   * @throws {RecordingBusyError}
   */
  #claim({ id, parts }: RecordingDocument): void {
    try {
      for (const { root, path } of parts) this.#inUse.claim(root, path, id)
    } catch (error) {
      this.#inUse.release(id)
      throw error
    }
  }

  #streamStarted(stream: Stream): void {
    if (this.#closed) return
    const isWaiting = ({ request, isAttached, isStopping }: Recording) =>
      request.stream === stream.path && !isAttached && !isStopping
    const waiting = [...this.#recordings.values()].filter(isWaiting)
    this.#rules.streamStarted(stream, this.#beginnings.streamStarted(stream, waiting))
  }

  #tick(): void {
    const nowMs = this.#runtime.monotonicMs()
    const save = nowMs - this.#lastSaveMs > SAVE_EVERY_MS
    if (save) this.#lastSaveMs = nowMs
    for (const recording of this.#recordings.values()) {
      try {
        recording.tick()
      } catch (error) {
        // One recording's mistake is no reason for the others to stop.
        recording.log.error({ event: 'recording.tick-failed', err: error })
      }
      if (save && recording.state === 'recording') this.#reporter.note(recording, 'soon')
    }
  }

  #forgetReplaced(recording: Recording, place: { root: string; path: string }): void {
    const { id } = recording
    const forgotten = this.#archive.forgetReplaced(id, place).catch((error: unknown) => {
      recording.log.error({ event: 'catalog.forget-failed', err: error })
    })
    const all = Promise.all([this.#replacements.get(id), forgotten]).finally(() => {
      if (this.#replacements.get(id) === all) this.#replacements.delete(id)
    })
    this.#replacements.set(id, all)
  }

  /** Answers come from memory until the catalog has the final state. */
  #forget(recording: Recording): void {
    void this.#journal.settled(recording.id).then(async () => {
      if (this.#recordings.get(recording.id) === recording) this.#recordings.delete(recording.id)
      // As long as the catalog knows two recordings of one file, nobody may set it aside: it would be noted of both.
      await this.#replacements.get(recording.id)
      if (!this.#recordings.has(recording.id)) this.#inUse.release(recording.id)
    })
  }
}
