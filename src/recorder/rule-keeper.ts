import type { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { Catalog, RuleRow } from '#storage/catalog/catalog.ts'
import { SerialQueue } from '#storage/serial-queue.ts'
import { RecordingNotAllowedError, RuleNotFoundError } from './errors.ts'
import type { NewRule } from './new-rule.ts'
import type { RecorderEvent } from './recorder-api.ts'
import type { Recording } from './recording.ts'
import { resolveRequest } from './request-defaults.ts'
import { checkRule, Rules } from './rules.ts'
import type { RecorderSettings } from './settings.ts'

export interface RuleKeeperOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly settings: RecorderSettings
  readonly catalog: Pick<Catalog, 'saveRule' | 'removeRule'>
  readonly rules: readonly RuleRow[]
  readonly events: Signal<RecorderEvent>
  readonly inProgress: ReadonlyMap<string, Recording>
  /** What the rule asked for of the stream is about to be in progress. */
  readonly isBeginning: (ruleId: string, stream: Stream) => boolean
  /** Starts what the rule asks for; what goes wrong is reported there. */
  readonly begin: (rule: RuleRow, stream: Stream) => void
}

/** The rules and what follows from them: keeps them in the catalog and starts recordings of the streams they match. */
export class RuleKeeper implements Disposable {
  readonly #options: RuleKeeperOptions
  readonly #rules: Rules
  /** A rule is in force once it is stored, one change after the other. */
  readonly #changes = new SerialQueue()
  /** Of rules that are to record once: the first recording they have started. */
  readonly #firstOf = new Map<string, string>()
  /** Their first recording ends: they start nothing more. */
  readonly #spent = new Set<string>()
  readonly #listening: Disposable

  constructor(options: RuleKeeperOptions) {
    this.#options = options
    this.#rules = new Rules(options.rules)
    this.#listening = options.events.listen((event) => {
      if ('recording' in event && event.recording.rule !== null) this.#followFirst(event)
    })
  }

  list(): readonly RuleRow[] {
    return this.#rules.list()
  }

  /** @throws {RecordingNotAllowedError} the deciding rule says never */
  checkAllowed(path: string): void {
    const { refusedBy } = this.#rules.decide(path)
    if (refusedBy !== undefined) throw new RecordingNotAllowedError(path, refusedBy.id)
  }

  /**
   * Begins what rules want of a stream that has just started, and has the hub remember as much of it as they want.
   * @param resumedBy rules that have a recording which survived its publisher: they don't begin another
   */
  streamStarted(stream: Stream, resumedBy: ReadonlySet<string>): void {
    this.#remember(stream)
    for (const rule of this.#recordedBy(stream.path)) if (!resumedBy.has(rule.id)) this.#options.begin(rule, stream)
  }

  /** @throws {RuleInvalidError} @throws {RequestInvalidError} @throws {PathPatternError} */
  add(rule: NewRule): Promise<RuleRow> {
    return this.#changes.run(async () => {
      const row: RuleRow = { ...rule, id: this.#options.runtime.newId(), origin: 'api' }
      await this.#put(row)
      this.#options.events.emit({ type: 'rule.added', rule: row })
      return row
    })
  }

  /** @throws as add(); {RuleNotFoundError} @throws {RuleReadOnlyError} */
  update(id: string, change: Partial<NewRule>): Promise<RuleRow> {
    return this.#changes.run(async () => {
      const row: RuleRow = { ...this.#rules.changeable(id), ...change }
      if (this.#isSpent(id)) throw new RuleNotFoundError(id)
      await this.#put(row)
      this.#options.events.emit({ type: 'rule.changed', rule: row })
      return row
    })
  }

  /** @throws {RuleNotFoundError} @throws {RuleReadOnlyError} */
  remove(id: string): Promise<void> {
    return this.#changes.run(async () => {
      this.#rules.changeable(id)
      await this.#options.catalog.removeRule(id)
      this.#forget(id)
    })
  }

  /** Resolves when every change so far is stored. */
  settled(): Promise<void> {
    return this.#changes.run(() => Promise.resolve())
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
  }

  #recordedBy(path: string): readonly RuleRow[] {
    return this.#rules.decide(path).recordedBy.filter(({ id }) => !this.#isSpent(id))
  }

  #isSpent(id: string): boolean {
    const first = this.#firstOf.get(id)
    return this.#spent.has(id) || (first !== undefined && this.#options.inProgress.get(first)?.isStopping === true)
  }

  /** Stores the rule and puts it in force: streams that it records from now on are recorded at once. */
  async #put(row: RuleRow): Promise<void> {
    const { settings, catalog, hub, begin } = this.#options
    checkRule(row)
    resolveRequest({ ...row.request, stream: 'any/stream' }, settings)
    // Compiled before it is stored: what can't be matched must not be found at the next start.
    new Rules([row])
    const isNew = this.#rules.get(row.id) === undefined
    await catalog.saveRule(row)
    // It was to record once, and has meanwhile.
    if (!isNew && this.#rules.get(row.id) === undefined) throw new RuleNotFoundError(row.id)
    const isRecording = (path: string) => this.#recordedBy(path).some(({ id }) => id === row.id)
    const before = new Set<Stream>()
    for (const stream of hub.streams()) if (isRecording(stream.path)) before.add(stream)
    this.#rules.set(row)
    for (const stream of [...hub.streams()]) {
      this.#remember(stream)
      if (isRecording(stream.path) && !before.has(stream) && !this.#hasRecording(row.id, stream)) begin(row, stream)
    }
  }

  #remember(stream: Stream): void {
    const { preRollSeconds, preRollBytes } = this.#options.settings
    stream.reachBack(Math.max(preRollSeconds, this.#rules.preRollSeconds(stream.path)) * 1000, preRollBytes)
  }

  #hasRecording(ruleId: string, stream: Stream): boolean {
    if (this.#options.isBeginning(ruleId, stream)) return true
    for (const recording of this.#options.inProgress.values()) {
      if (recording.ruleId === ruleId && recording.request.stream === stream.path && !recording.isStopping) return true
    }
    return false
  }

  /** A rule that records once is taken back with the end of its first recording, that of an earlier run included. */
  #followFirst({ type, recording }: Extract<RecorderEvent, { recording: unknown }>): void {
    const rule = this.#rules.get(recording.rule ?? '')
    if (rule === undefined || !rule.once) return
    const isOver = type === 'recording.ready' || type === 'recording.failed'
    if (this.#options.inProgress.has(recording.id)) {
      const first = this.#firstOf.get(rule.id) ?? recording.id
      this.#firstOf.set(rule.id, first)
      if (first !== recording.id || !(isOver || type === 'recording.finishing')) return
    } else if (!isOver || rule.origin === 'config') {
      // Begun in an earlier run, and finished after a crash; rules of the configuration record once in every run.
      return
    }
    if (!this.#spent.has(rule.id)) {
      this.#spent.add(rule.id)
      // Before the recording is stored as final: a kill in between must not let the rule record again.
      void this.#takeBack(rule)
    }
    if (isOver) this.#forget(rule.id)
  }

  async #takeBack({ id, origin }: RuleRow): Promise<void> {
    if (origin === 'config') return
    try {
      await this.#options.catalog.removeRule(id)
    } catch (error) {
      this.#options.runtime.log.error({ event: 'rule.not-removed', rule: id, err: error })
    }
  }

  #forget(id: string): void {
    const rule = this.#rules.get(id)
    if (rule === undefined) return
    this.#rules.delete(id)
    for (const stream of this.#options.hub.streams()) this.#remember(stream)
    this.#firstOf.delete(id)
    this.#spent.delete(id)
    this.#options.events.emit({ type: 'rule.removed', rule })
  }
}
