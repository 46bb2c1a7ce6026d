import type { Runtime } from '#base/runtime.ts'
import { within } from '#base/within.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { Catalog, RuleRow } from '#storage/catalog/catalog.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { Archive } from './archive.ts'
import { RecorderClosedError } from './errors.ts'
import { afterEnding, appendedTo, checkOverwritable, places } from './existing.ts'
import { joinsFrom } from './first-picture.ts'
import { HeldStream } from './held-stream.ts'
import type { Journal } from './journal.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { Recording } from './recording.ts'
import { type ResolvedRequest, resolveRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'
import { Succession } from './succession.ts'

/** How long a beginning waits for the file, when what is there decides whether the recording can be. */
const START_ANSWER_MS = 3_000

export interface BeginningsOptions {
  readonly runtime: Runtime
  readonly hub: Pick<Hub, 'get'>
  readonly settings: RecorderSettings
  readonly catalog: Catalog
  readonly archive: Archive
  readonly journal: Journal
  readonly inProgress: ReadonlyMap<string, Recording>
  /** What a crash left is whole. */
  readonly recovered: () => Promise<void>
  /**
   * Makes a recording and puts it among those in progress. @param previous the one to go on with
   * @throws {RecorderClosedError} @throws {RecordingBusyError} the one to go on with has been taken up meanwhile
   */
  readonly create: (request: ResolvedRequest, ruleId: string | null, previous?: RecordingDocument) => Recording
  /** Nothing is left of a recording that could not begin. */
  readonly remove: (recording: RecordingDocument) => Promise<void>
}

/**
 * Begins recordings. One that gets a name of its own begins at once; where a file that may exist decides, it waits for
 * what begins in the same place, for the catalog, and until it is known whether the file can be had.
 */
export class Beginnings {
  readonly #options: BeginningsOptions
  readonly #inPlace = new KeyedQueue()
  /** Of recordings that can't take a stream yet, and when they are in progress: they wait for their file. */
  readonly #successions = new Map<Succession, Promise<Recording>>()

  constructor(options: BeginningsOptions) {
    this.#options = options
  }

  /**
   * Begins what a caller asked for. @param stream that there is, if there is one
   * @throws TapedeckError subclasses: why it could not begin
   */
  async byRequest(request: ResolvedRequest, stream: Stream | undefined): Promise<Recording> {
    // What comes while the catalog is asked belongs to the recording. A stream that remembers more needs no help.
    const mayWait = request.ifExists !== 'version' && request.preRollSeconds === 0
    const recording = mayWait
      ? await this.#inSuccession(request, null, stream)
      : await this.#begin(request, null, (created) => {
          const present = this.#options.hub.get(request.stream)
          if (present !== undefined) created.attach(present)
          return present !== undefined
        })
    if (recording.fatal !== undefined) await this.#refuse(recording)
    return recording
  }

  /** Begins what a rule wants of a stream that is there; what goes wrong is in the log. */
  byRule(rule: RuleRow, stream: Stream): void {
    const { runtime, settings, create } = this.#options
    const report = (error: unknown) => {
      if (error instanceof RecorderClosedError) return
      runtime.log.error({ event: 'rule.start-failed', rule: rule.id, stream: stream.path, err: error })
    }
    try {
      const request = resolveRequest({ ...rule.request, stream: stream.path }, settings)
      if (request.ifExists === 'version') {
        create(request, rule.id).attach(stream)
        return
      }
      this.#inSuccession(request, rule.id, stream).catch(report)
    } catch (error) {
      report(error)
    }
  }

  /**
   * Lets recordings go on with a stream that has just begun, each as soon as it can.
   * @param waiting in progress, without a stream
   * @returns rules whose recording goes on with it, so that they begin no other
   */
  streamStarted(stream: Stream, waiting: readonly Recording[]): ReadonlySet<string> {
    const resumedBy = new Set<string>()
    const isServed = new Set<Recording>()
    for (const succession of this.#successions.keys()) {
      if (succession.path !== stream.path || succession.isOver) continue
      if (succession.recording !== undefined) isServed.add(succession.recording)
      if (succession.offer(stream) && succession.ruleId !== null) resumedBy.add(succession.ruleId)
    }
    for (const recording of waiting) {
      if (isServed.has(recording)) continue
      if (recording.isDetached && recording.ruleId !== null) resumedBy.add(recording.ruleId)
      if (recording.isOpening) this.#succeed(recording, stream)
      else recording.attach(stream)
    }
    return resumedBy
  }

  /** Whether a rule is about to record this stream. */
  isBeginning(ruleId: string, stream: Stream): boolean {
    return [...this.#successions.keys()].some((each) => each.ruleId === ruleId && each.endsWith(stream))
  }

  /** Resolves when everything that the rule is about to record is in progress. */
  async begun(ruleId: string): Promise<void> {
    const ofRule = [...this.#successions].filter(([succession]) => succession.ruleId === ruleId)
    await Promise.allSettled(ofRule.map(([, begun]) => begun))
  }

  /** Begins a recording that has to wait for its file, and gives it what comes meanwhile. */
  #inSuccession(request: ResolvedRequest, ruleId: string | null, stream: Stream | undefined): Promise<Recording> {
    const succession = this.#succession(request, ruleId)
    if (stream !== undefined) succession.add(stream)
    const begun = this.#begin(request, ruleId, (recording) => {
      const isAttached = succession.next(recording)
      this.#handOver(succession, recording)
      return isAttached
    })
    this.#successions.set(succession, begun)
    // Whoever waits for the recording is told.
    begun.catch(() => this.#forget(succession))
    return begun
  }

  /** A recording opens the file that it goes on in, and has got another stream already. */
  #succeed(recording: Recording, stream: Stream): void {
    const succession = this.#succession(recording.request, recording.ruleId)
    succession.add(stream)
    this.#successions.set(succession, Promise.resolve(recording))
    this.#handOver(succession, recording)
  }

  #succession(request: ResolvedRequest, ruleId: string | null): Succession {
    const { monotonicMs } = this.#options.runtime
    return new Succession({ ruleId, request, hold: (stream) => this.#hold(stream, request), monotonicMs })
  }

  #handOver(succession: Succession, recording: Recording): void {
    void succession.handOver(recording).finally(() => this.#forget(succession))
  }

  #forget(succession: Succession): void {
    succession[Symbol.dispose]()
    this.#successions.delete(succession)
  }

  /** Begins a recording. @param attach gives it its stream; false when there is none yet */
  async #begin(
    request: ResolvedRequest,
    ruleId: string | null,
    attach: (recording: Recording) => boolean,
  ): Promise<Recording> {
    const { settings, runtime, create } = this.#options
    const begin = (previous: RecordingDocument | undefined) => {
      const recording = create(request, ruleId, previous)
      return { recording, isAttached: attach(recording) }
    }
    if (request.ifExists === 'version') return begin(undefined).recording
    const [place] = places(settings, request, runtime)
    return this.#inPlace.run(`${place?.root}\0${place?.path}`, async () => {
      const { recording, isAttached } = begin(await this.#previous(request))
      if (isAttached) await within(START_ANSWER_MS, recording.begun)
      return recording
    })
  }

  /** The recording to go on with (append), after the checks that need the catalog. */
  async #previous(request: ResolvedRequest): Promise<RecordingDocument | undefined> {
    const { catalog, settings, runtime, inProgress, journal, archive, recovered } = this.#options
    const going = {
      documents: () => Array.from(inProgress.values(), (recording) => recording.toDocument()),
      ending: (id: string) => {
        const recording = inProgress.get(id)
        return recording?.isStopping === true ? recording.stop().then(() => journal.settled(id)) : undefined
      },
    }
    if (request.ifExists === 'overwrite') await checkOverwritable(catalog, going, settings, request, runtime)
    if (request.ifExists === 'rename') await afterEnding(going, settings, request, runtime)
    if (request.ifExists !== 'append') return undefined
    // What is to be continued may be what a crash has left: it has to be whole first.
    await recovered()
    const previous = await appendedTo(catalog, going, settings, request, runtime)
    if (previous !== undefined) archive.checkNotBeingReplaced(previous)
    return previous
  }

  /** A recording that could not begin is no recording: the caller gets the reason, and nothing is left of it. */
  async #refuse(recording: Recording): Promise<never> {
    await recording.stop()
    const document = recording.toDocument()
    await this.#options.journal.settled(document.id)
    if (document.parts.length === 0) await this.#options.remove(document)
    throw recording.fatal
  }

  #hold(stream: Stream, { preRollSeconds, startOn }: ResolvedRequest): HeldStream {
    const { settings, runtime } = this.#options
    const { queueBytes, preRollBytes } = settings
    const backMs = preRollSeconds * 1000
    const from = joinsFrom(stream, startOn, backMs)
    if (from === 'now') stream.askRandomAccess()
    return new HeldStream(stream, {
      capacityBytes: queueBytes + (backMs > 0 ? preRollBytes : 0),
      from,
      backMs,
      monotonicMs: runtime.monotonicMs,
    })
  }
}
