import type { TapedeckError } from '#base/error.ts'
import type { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import { within } from '#base/within.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { Catalog, RecordingPage, RecordingQuery, RuleRow } from '#storage/catalog/catalog.ts'
import { DISK, type PartFiles } from '#storage/part-files.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { Archive } from './archive.ts'
import {
  PartNotFoundError,
  RecorderClosedError,
  RecordingBusyError,
  RecordingNotRunningError,
  StreamNotFoundError,
} from './errors.ts'
import { afterEnding, appendedTo, checkOverwritable, places } from './existing.ts'
import { FilesInUse } from './files-in-use.ts'
import { HeldStream, type StreamSource } from './held-stream.ts'
import { Journal, type RecordingStore } from './journal.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { NewRule } from './new-rule.ts'
import type { LentPart, RecorderApi, RecorderCounters, RecorderEvent, RecorderObserver } from './recorder-api.ts'
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

/** How long start() waits for the file, when what is there decides whether the recording can be. */
const START_ANSWER_MS = 3_000

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
  readonly #rules: RuleKeeper
  readonly #tally = new Tally()
  readonly #recordings = new Map<string, Recording>()
  readonly #beginnings = new KeyedQueue()
  /** Not in progress yet: it has to be known first whether their file can be had. */
  readonly #beginningByRule = new Set<{
    readonly ruleId: string
    readonly path: string
    readonly begun: Promise<unknown>
  }>()
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
    this.#rules = this.#owned.use(
      new RuleKeeper({
        runtime,
        hub,
        settings: options.settings,
        catalog: options.catalog,
        rules: options.rules,
        events: this.#reporter.events,
        inProgress: this.#recordings,
        isBeginning: (ruleId, path) =>
          [...this.#beginningByRule].some((each) => each.ruleId === ruleId && each.path === path),
        begin: (rule, stream) => this.#startByRule(rule, stream),
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
        // Its first bytes reached the disk and nobody was told any more.
        const isBegun = before?.state === 'waiting' && recording.state === 'ready'
        if (isBegun) this.events.emit({ type: 'recording.started', recording })
        for (const part of recording.parts) {
          const wasOpen = before?.parts.some(({ index, state }) => index === part.index && state === 'open') === true
          if (wasOpen && part.state === 'ready') this.events.emit({ type: 'part.ready', recording, part })
        }
        this.events.emit({ type: recording.state === 'ready' ? 'recording.ready' : 'recording.failed', recording })
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
    // What comes while the catalog is asked belongs to the recording. A stream that remembers more needs no help.
    const mayWait = resolved.ifExists !== 'version' && resolved.preRollSeconds === 0
    using held = stream !== undefined && mayWait ? this.#hold(stream, resolved) : undefined
    const recording = await this.#begin(resolved, null, () => held ?? hub.get(resolved.stream))
    if (recording.fatal !== undefined) await this.#refuse(recording)
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

  remove(id: string): Promise<void> {
    return this.#archive.remove(id)
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
    await Promise.all([...this.#beginningByRule].filter(({ ruleId }) => ruleId === id).map(({ begun }) => begun))
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

  /** The recording to go on with (append), after the checks that need the catalog. */
  async #previous(request: ResolvedRequest): Promise<RecordingDocument | undefined> {
    const { catalog, settings } = this.#options
    const inProgress = {
      documents: () => this.active(),
      ending: (id: string) => {
        const recording = this.#recordings.get(id)
        return recording?.isStopping === true ? recording.stop().then(() => this.#journal.settled(id)) : undefined
      },
    }
    if (request.ifExists === 'overwrite') {
      await checkOverwritable(catalog, inProgress, settings, request, this.#runtime)
    }
    if (request.ifExists === 'rename') await afterEnding(inProgress, settings, request, this.#runtime)
    if (request.ifExists !== 'append') return undefined
    // What is to be continued may be what a crash has left: it has to be whole first.
    await this.#recovery
    const previous = await appendedTo(catalog, inProgress, settings, request, this.#runtime)
    if (previous !== undefined) this.#archive.checkNotBeingReplaced(previous)
    return previous
  }

  /** A recording that could not begin is no recording: the caller gets the reason, and nothing is left of it. */
  async #refuse(recording: Recording): Promise<never> {
    await recording.stop()
    const document = recording.toDocument()
    await this.#journal.settled(document.id)
    if (document.parts.length === 0) {
      await this.#options.store.remove(document)
      this.events.emit({ type: 'recording.deleted', recording: document })
    }
    throw recording.fatal
  }

  /**
   * Begins a recording, with the stream if there is one. What is about a file that may exist waits for what begins in the
   * same place, and until it is known whether the file can be had.
   */
  async #begin(
    request: ResolvedRequest,
    ruleId: string | null,
    findStream: () => StreamSource | undefined,
  ): Promise<Recording> {
    const begin = (previous: RecordingDocument | undefined) => {
      const recording = this.#create(request, ruleId, previous)
      const stream = findStream()
      if (stream !== undefined) recording.attach(stream)
      return { recording, isAttached: stream !== undefined }
    }
    if (request.ifExists === 'version') return begin(undefined).recording
    const [place] = places(this.#options.settings, request, this.#runtime)
    return this.#beginnings.run(`${place?.root}\0${place?.path}`, async () => {
      const { recording, isAttached } = begin(await this.#previous(request))
      if (isAttached) await within(START_ANSWER_MS, recording.begun)
      return recording
    })
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
        setAside: (root, path) => this.#setAside.run({ root, path }),
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
    const resumedBy = new Set<string>()
    for (const recording of this.#recordings.values()) {
      if (recording.request.stream !== stream.path || recording.isAttached || recording.isStopping) continue
      if (recording.isDetached && recording.ruleId !== null) resumedBy.add(recording.ruleId)
      recording.attach(stream)
    }
    this.#rules.streamStarted(stream, resumedBy)
  }

  #hold(stream: Stream, { preRollSeconds, startOn }: ResolvedRequest): HeldStream {
    const { queueBytes, preRollBytes } = this.#options.settings
    const backMs = preRollSeconds * 1000
    return new HeldStream(stream, {
      capacityBytes: queueBytes + (backMs > 0 ? preRollBytes : 0),
      from: startOn === 'now' ? 'now' : 'memory',
      backMs,
      monotonicMs: this.#runtime.monotonicMs,
    })
  }

  #startByRule(rule: RuleRow, stream: Stream): void {
    const report = (error: unknown) => {
      if (error instanceof RecorderClosedError) return
      this.#runtime.log.error({ event: 'rule.start-failed', rule: rule.id, stream: stream.path, err: error })
    }
    try {
      const request = resolveRequest({ ...rule.request, stream: stream.path }, this.#options.settings)
      if (request.ifExists === 'version') {
        this.#create(request, rule.id).attach(stream)
        return
      }
      const held = this.#hold(stream, request)
      const beginning = {
        ruleId: rule.id,
        path: stream.path,
        begun: this.#begin(request, rule.id, () => held)
          .catch(report)
          .finally(() => {
            held[Symbol.dispose]()
            this.#beginningByRule.delete(beginning)
          }),
      }
      this.#beginningByRule.add(beginning)
    } catch (error) {
      report(error)
    }
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
    void this.#journal.settled(recording.id).then(() => {
      if (this.#recordings.get(recording.id) === recording) this.#recordings.delete(recording.id)
      this.#inUse.release(recording.id)
    })
  }
}
