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
import { HeldStream, type StreamSource } from './held-stream.ts'
import type { Journal } from './journal.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { Recording } from './recording.ts'
import { type ResolvedRequest, resolveRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'

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
  /** Not in progress yet: it has to be known first whether their file can be had. */
  readonly #byRule = new Set<{
    readonly ruleId: string
    readonly path: string
    readonly begun: Promise<unknown>
  }>()

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
    using held = stream !== undefined && mayWait ? this.#hold(stream, request) : undefined
    const recording = await this.#begin(request, null, () => held ?? this.#options.hub.get(request.stream))
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
      const held = this.#hold(stream, request)
      const beginning = {
        ruleId: rule.id,
        path: stream.path,
        begun: this.#begin(request, rule.id, () => held)
          .catch(report)
          .finally(() => {
            held[Symbol.dispose]()
            this.#byRule.delete(beginning)
          }),
      }
      this.#byRule.add(beginning)
    } catch (error) {
      report(error)
    }
  }

  /** Whether a rule is about to record this path. */
  isBeginning(ruleId: string, path: string): boolean {
    return [...this.#byRule].some((each) => each.ruleId === ruleId && each.path === path)
  }

  /** Resolves when everything that the rule is about to record is in progress. */
  async begun(ruleId: string): Promise<void> {
    await Promise.all([...this.#byRule].filter((each) => each.ruleId === ruleId).map(({ begun }) => begun))
  }

  /** Begins a recording, with the stream if there is one. */
  async #begin(
    request: ResolvedRequest,
    ruleId: string | null,
    findStream: () => StreamSource | undefined,
  ): Promise<Recording> {
    const { settings, runtime, create } = this.#options
    const begin = (previous: RecordingDocument | undefined) => {
      const recording = create(request, ruleId, previous)
      const stream = findStream()
      if (stream !== undefined) recording.attach(stream)
      return { recording, isAttached: stream !== undefined }
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
