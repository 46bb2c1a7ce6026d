import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '#base/error.ts'
import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import { compilePathPattern, type PathPattern } from '#hub/path-pattern.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import type { RecorderApi, RecorderEvent, RecordingEvent } from '#recorder/recorder-api.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { formatPartName, parsePartName, replacedName } from '#storage/part-name.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { ConfigIds } from './config-ids.ts'
import { EvoCommandError, UNABLE_TO_RECORD } from './errors.ts'
import { freeName } from './free-name.ts'
import { type Folders, findPlace, type Place, spelled } from './place.ts'
import { CONFIG_LABEL, type DateFolders, isFolderPath, toRecordingRequest } from './record-request.ts'
import { type RecordSettings, settingsValue } from './record-settings.ts'
import { STATUS, Status } from './status.ts'
import type { OutStream } from './streams.ts'
import type { Value } from './values.ts'

/** How long `record` waits for the file of a stream that is there, so that it can answer with the real name. */
const BEGIN_PATIENCE_MS = 3_000

/** Labels of our rules, besides {@link CONFIG_LABEL}. */
const SETTINGS_LABEL = 'evostream.settings'
const ROLLING_LABEL = 'evostream.rolling'

/** One accepted `record` command. */
export interface RecordConfiguration {
  readonly id: number
  readonly settings: RecordSettings
  readonly place: Place
  readonly status: Status
  readonly pattern: PathPattern
  /** Of the vendor's assembler; only said where the vendor says it. */
  readonly mp4BinPath: string | undefined
  ruleId: string
  /** As the caller would spell it. */
  computedPathToFile: string
}

export interface RecordConfigurationsOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly recorder: RecorderApi
  readonly ids: ConfigIds
  readonly folders: Folders
  readonly dateFolders: DateFolders
  readonly mp4BinPath: string
  readonly timeZone: string
}

type RecordingTold = RecordingEvent['type']

/** The `record` configurations: each is a rule of ours, which keeps it over restarts; this adds what the vendor knows. */
export class RecordConfigurations implements Disposable {
  readonly #options: RecordConfigurationsOptions
  readonly #byId = new Map<number, RecordConfiguration>()
  /** Recordings outlive their configuration until they are final. */
  readonly #ofRecordings = new Map<string, RecordConfiguration>()
  readonly #owned = new DisposableStack()
  /** A recording of a configuration was told of. */
  readonly #told: Signal<{ readonly configId: number; readonly type: RecordingTold }>

  private constructor(options: RecordConfigurationsOptions) {
    this.#options = options
    const { log } = options.runtime
    this.#told = new Signal((error) => log.error({ event: 'evostream.listener-failed', err: error }))
    this.#owned.use(options.recorder.events.listen((event) => this.#ruleEvent(event)))
  }

  /** Takes up the configurations of the run before; those that were to record once are over, as with the vendor. */
  static async open(options: RecordConfigurationsOptions): Promise<RecordConfigurations> {
    const configurations = new RecordConfigurations(options)
    for (const rule of options.recorder.rules()) await configurations.#restore(rule)
    return configurations
  }

  /** Numbers that rules of the run before have. */
  static idsOf(rules: readonly RuleRow[]): number[] {
    return rules.map(({ metadata }) => Number(metadata[CONFIG_LABEL] ?? 0)).filter(Number.isSafeInteger)
  }

  /** In the order of their ids. */
  list(): RecordConfiguration[] {
    return [...this.#byId.values()].sort((a, b) => a.id - b.id)
  }

  get(id: number): RecordConfiguration | undefined {
    return this.#byId.get(id)
  }

  /** The configuration a recording belongs to, removed or not, while it was not told that the recording is over. */
  ofRecording({ id, metadata }: RecordingDocument): RecordConfiguration | undefined {
    return this.#ofRecordings.get(id) ?? this.#byId.get(Number(metadata[CONFIG_LABEL]))
  }

  /**
   * Begins with the stream, or waits for it.
   * @throws {EvoCommandError}
   */
  async add(settings: RecordSettings): Promise<RecordConfiguration> {
    const { runtime, recorder, ids, folders, dateFolders, timeZone } = this.#options
    const pattern = streamPattern(settings.localStreamName)
    const isFolder = isFolderPath(settings, dateFolders)
    const place = await findPlace(settings.pathToFile, settings.type, folders, isFolder)
    const id = ids.take()
    const request = toRecordingRequest(settings, place, dateFolders, id)
    const isLive = this.#isLive(pattern)
    const isInUse = (root: string, path: string) => isLive && this.#isInUse(root, path)
    const expected = await freeName({ request, place, nowMs: runtime.nowMs(), timeZone, isInUse })
    const configuration: RecordConfiguration = {
      id,
      settings,
      place,
      pattern,
      status: new Status(runtime.nowMs()),
      mp4BinPath: settings.type === 'mp4' && isLive ? this.#options.mp4BinPath : undefined,
      ruleId: '',
      computedPathToFile: spelled(expected, place),
    }
    // Before the rule: its recording is told of as soon as the rule is there.
    this.#byId.set(id, configuration)
    using begun = this.#whenBegun(id)
    try {
      const rule = await recorder.addRule({
        ...NEW_RULE,
        match: pattern.source,
        request: { ...request },
        additional: true,
        once: !settings.keepAlive,
        metadata: { [CONFIG_LABEL]: String(id), [SETTINGS_LABEL]: JSON.stringify(settings) },
      })
      configuration.ruleId = rule.id
    } catch (error) {
      this.#byId.delete(id)
      throw new EvoCommandError(UNABLE_TO_RECORD, error)
    }
    if (isLive) await this.#confirm(configuration, begun.promise)
    return configuration
  }

  /** Ends its recordings; resolves when their files are final. */
  async remove(configuration: RecordConfiguration): Promise<void> {
    this.#byId.delete(configuration.id)
    await this.#removeRule(configuration)
  }

  /** Ends one recording; what keeps alive begins another at once, in a new file. */
  async roll(configuration: RecordConfiguration | undefined, recordingId: string): Promise<void> {
    const { recorder } = this.#options
    await recorder.stop(recordingId)
    if (configuration === undefined || !configuration.settings.keepAlive) return
    const rule = recorder.rules().find(({ id }) => id === configuration.ruleId)
    if (rule === undefined) return
    // A rule that comes into force records the streams that are there. One that a crash leaves out of force is restored.
    const { metadata } = rule
    await recorder.updateRule(rule.id, { enabled: false, metadata: { ...metadata, [ROLLING_LABEL]: 'true' } })
    await recorder.updateRule(rule.id, { enabled: true, metadata })
  }

  /** A recording of a configuration was told of. */
  recordingEvent(event: RecordingEvent, out: OutStream | undefined): void {
    const { type, recording } = event
    const part = 'part' in event ? event.part : undefined
    const configuration = this.ofRecording(recording)
    if (configuration === undefined) return
    this.#ofRecordings.set(recording.id, configuration)
    const { status } = configuration
    const nowMs = this.#options.runtime.nowMs()
    switch (type) {
      case 'recording.waiting':
        status.set(STATUS.connecting, nowMs, out?.id)
        break
      case 'recording.started':
        status.set(STATUS.streaming, nowMs, out?.id)
        break
      case 'part.opened':
        if (part !== undefined) configuration.computedPathToFile = this.#computedPath(part, configuration)
        break
      case 'recording.ready':
        status.set(STATUS.disconnected, nowMs)
        break
      case 'recording.failed':
        status.set(STATUS.failed, nowMs)
        break
      default:
    }
    this.#told.emit({ configId: configuration.id, type })
  }

  /** Nothing more is told of the recording. */
  recordingOver(recordingId: string): void {
    this.#ofRecordings.delete(recordingId)
  }

  /** The file of a part as whoever configured it would spell it; absolute for anybody else's recordings. */
  fileOf(part: PartDocument, configuration: RecordConfiguration | undefined): string {
    const path = join(part.root, finalPath(part.path))
    return configuration === undefined ? path : spelled(path, configuration.place)
  }

  /** The object of answers and events. */
  value(configuration: RecordConfiguration): { readonly [name: string]: Value } {
    const { id, settings, computedPathToFile, mp4BinPath } = configuration
    return {
      ...settingsValue(settings),
      computedPathToFile,
      configId: id,
      ...(mp4BinPath !== undefined && { mp4BinPath }),
    }
  }

  [Symbol.dispose](): void {
    this.#owned.dispose()
  }

  /** As the answer to `record` says it: without the number of the chunk. */
  #computedPath(part: PartDocument, configuration: RecordConfiguration): string {
    const file = finalPath(part.path)
    const path = configuration.settings.chunkLength > 0 ? plainName(file) : file
    return spelled(join(part.root, path), configuration.place)
  }

  #isLive(pattern: PathPattern): boolean {
    for (const { path } of this.#options.hub.streams()) if (pattern.matches(path)) return true
    return false
  }

  #isInUse(root: string, path: string): boolean {
    const plain = plainName(path)
    const isIt = (part: PartDocument) => {
      const file = finalPath(part.path)
      return part.root === root && (file === path || plainName(file) === plain)
    }
    return this.#options.recorder.active().some(({ parts }) => parts.some(isIt))
  }

  /** @throws {EvoCommandError} nothing began although the stream is there; nothing is left of the configuration */
  async #confirm(configuration: RecordConfiguration, begun: Promise<RecordingTold>): Promise<void> {
    const patience = new AbortController()
    const timeout = sleep(BEGIN_PATIENCE_MS, 'timeout' as const, { ref: false, signal: patience.signal })
    const first = await Promise.race([begun, timeout.catch(() => 'timeout' as const)])
    patience.abort()
    const isThere = this.#options.recorder.active().some((each) => this.ofRecording(each) === configuration)
    if (first !== 'recording.failed' && (isThere || first !== 'timeout')) return
    await this.remove(configuration)
    throw new EvoCommandError(UNABLE_TO_RECORD, 'the recorder could not begin: its log has the reason')
  }

  /** Resolves when a recording of it has a file, or has failed. */
  #whenBegun(id: number): Disposable & { readonly promise: Promise<RecordingTold> } {
    const { promise, resolve } = Promise.withResolvers<RecordingTold>()
    const listening = this.#told.listen(({ configId, type }) => {
      if (configId === id && (type === 'part.opened' || type === 'recording.failed')) resolve(type)
    })
    return { promise, [Symbol.dispose]: () => listening[Symbol.dispose]() }
  }

  async #removeRule({ ruleId }: Pick<RecordConfiguration, 'ruleId'>): Promise<void> {
    const { recorder, runtime } = this.#options
    try {
      await recorder.removeRule(ruleId, { stop: true })
    } catch (error) {
      // Taken back meanwhile, by itself or by somebody else.
      runtime.log.debug({ event: 'evostream.rule-gone', rule: ruleId, reason: errorMessage(error) })
    }
  }

  /** Somebody else may remove rules as well: on the page, by REST, or the recorder when one has recorded once. */
  #ruleEvent(event: RecorderEvent): void {
    if (event.type !== 'rule.removed') return
    const id = Number(event.rule.metadata[CONFIG_LABEL])
    if (this.#byId.get(id)?.ruleId === event.rule.id) this.#byId.delete(id)
  }

  async #restore(rule: RuleRow): Promise<void> {
    const { runtime, folders, dateFolders, timeZone } = this.#options
    const {
      [CONFIG_LABEL]: idText,
      [SETTINGS_LABEL]: settingsText,
      [ROLLING_LABEL]: rolling,
      ...labels
    } = rule.metadata
    if (idText === undefined || settingsText === undefined) return
    if (rule.once) return await this.#removeRule({ ruleId: rule.id })
    try {
      if (rolling !== undefined) {
        const metadata = { ...labels, [CONFIG_LABEL]: idText, [SETTINGS_LABEL]: settingsText }
        await this.#options.recorder.updateRule(rule.id, { enabled: true, metadata })
      }
      const id = Number(idText)
      // Written by add() of this file.
      const settings = JSON.parse(settingsText) as RecordSettings
      const pattern = compilePathPattern(rule.match)
      const place = await findPlace(settings.pathToFile, settings.type, folders, isFolderPath(settings, dateFolders))
      const request = toRecordingRequest(settings, place, dateFolders, id)
      const isInUse = (root: string, path: string) => this.#isInUse(root, path)
      const expected = await freeName({ request, place, nowMs: runtime.nowMs(), timeZone, isInUse })
      this.#byId.set(id, {
        id,
        settings,
        place,
        pattern,
        status: new Status(runtime.nowMs()),
        mp4BinPath: undefined,
        ruleId: rule.id,
        computedPathToFile: spelled(expected, place),
      })
    } catch (error) {
      const text = 'a configuration can no longer be followed; its rule goes on as it is'
      runtime.log.warn({ event: 'evostream.not-restored', rule: rule.id, err: error }, text)
    }
  }
}

/** Any application: this vendor's names leave it out. @throws {EvoCommandError} */
function streamPattern(localStreamName: string): PathPattern {
  try {
    const name = localStreamName.replace(/\?.*$/s, '')
    if (name.includes('*')) throw new EvoCommandError('a name, not a pattern')
    return compilePathPattern(`**/${normalizeStreamPath(name)}`)
  } catch (error) {
    throw new EvoCommandError('Syntax error. Parameter localStreamName is invalid', error)
  }
}

/** What is to replace another file has a name of its own until it is final. */
function finalPath(path: string): string {
  const slash = path.lastIndexOf('/') + 1
  return path.slice(0, slash) + (replacedName(path.slice(slash)) ?? path.slice(slash))
}

/** Without the part number. */
function plainName(path: string): string {
  return formatPartName({ ...parsePartName(path, 'indexed'), part: 0 }, 'indexed')
}
