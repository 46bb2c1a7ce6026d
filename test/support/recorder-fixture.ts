import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TapedeckError } from '#base/error.ts'
import { Signal } from '#base/events.ts'
import { newUlid } from '#base/id.ts'
import { type Logger, type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import { Hub, type Publication } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type StreamEnd } from '#hub/stream.ts'
import { rescale } from '#media/clock.ts'
import type { TrackFormat } from '#media/track.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { Recorder } from '#recorder/recorder.ts'
import type { RecordingEvent, RuleEvent } from '#recorder/recorder-api.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecorderSettings } from '#recorder/settings.ts'
import { Births } from '#storage/births.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { SqliteCatalog } from '#storage/catalog/sqlite-catalog.ts'
import { storageErrorFrom } from '#storage/errors.ts'
import { ManifestStore } from '#storage/manifests.ts'
import { DISK, type PartFiles } from '#storage/part-files.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import { removeRecording } from '#storage/remove-recording.ts'
import { diskInspector, verifyRecording } from '#storage/verify.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { DEFAULT_AAC_ENCODER } from '#transcode/target.ts'
import { CONTAINERS } from './containers.ts'
import { type SourceUnit, toAccessUnit } from './elementary-source.ts'
import { FaultFile, type Faults } from './fault-file.ts'
import { TempFolder } from './temp-folder.ts'

/** What the disk of the fixture does wrong; change it at any time. */
export interface DiskFaults extends Faults {
  /** Creating a part fails so. */
  failCreate?: string | undefined
  /** Awaited before a part is created. */
  beforeCreate?: (() => Promise<void>) | undefined
}

export interface RecorderFixtureOptions {
  readonly settings?: Partial<RecorderSettings>
  readonly rules?: readonly RuleRow[]
  readonly stopAnswerMs?: number
  readonly log?: Logger
}

/** A recording has begun to take a publication. */
export interface Attachment {
  readonly recording: string
  /** Id of its stream. */
  readonly publication: string
}

/** A log that tells which recording takes which publication, and is silent about the rest. */
export function attachmentLog(): { readonly log: Logger; readonly attachments: Signal<Attachment> } {
  const attachments = new Signal<Attachment>((error) => {
    throw error
  })
  const logOf = (recording: string): Logger => ({
    ...SILENT_LOGGER,
    debug: (fields) => {
      if ('event' in fields && fields.event === 'recording.attached' && 'publication' in fields)
        attachments.emit({ recording, publication: String(fields.publication) })
    },
    child: (fields) => logOf(String(fields['recording'] ?? recording)),
  })
  return { log: logOf(''), attachments }
}

/** A rule that records, for tests. */
export function testRule(match: string, request: RuleRow['request'] = {}, rest: Partial<RuleRow> = {}): RuleRow {
  return { ...NEW_RULE, id: `config-${match}`, match, request, origin: 'config', ...rest }
}

/** Hub and recorder with the real catalog, manifests and disk, a clock that can be set ahead and a disk with faults. */
export class RecorderFixture implements AsyncDisposable {
  readonly folder: TempFolder
  readonly hub: Hub
  readonly runtime: Runtime
  readonly transcoder: AudioTranscoder
  readonly recorder: Recorder
  readonly catalog: SqliteCatalog
  readonly manifests: ManifestStore
  readonly births: Births
  readonly root: string
  readonly events: RecordingEvent[] = []
  readonly ruleEvents: RuleEvent[] = []
  readonly disk: DiskFaults
  refusal: TapedeckError | undefined
  readonly #owned: AsyncDisposableStack
  readonly #clock: { aheadMs: number }
  readonly #happened = new EventTarget()
  readonly #publishers: TestPublisher[] = []

  static async open(options: RecorderFixtureOptions = {}): Promise<RecorderFixture> {
    await using owned = new AsyncDisposableStack()
    const folder = owned.use(await TempFolder.make())
    const clock = { aheadMs: 0 }
    const runtime: Runtime = {
      nowMs: () => Date.now() + clock.aheadMs,
      monotonicMs: () => performance.now() + clock.aheadMs,
      newId: () => newUlid(Date.now()),
      log: options.log ?? SILENT_LOGGER,
    }
    await mkdir(folder.at('data'))
    const catalog = owned.use(await SqliteCatalog.open({ folder: folder.at('data'), runtime, onReplaced: () => {} }))
    return new RecorderFixture(owned.move(), folder, clock, runtime, catalog, options)
  }

  private constructor(
    owned: AsyncDisposableStack,
    folder: TempFolder,
    clock: { aheadMs: number },
    runtime: Runtime,
    catalog: SqliteCatalog,
    options: RecorderFixtureOptions,
  ) {
    this.#owned = owned
    this.folder = folder
    this.#clock = clock
    this.catalog = catalog
    this.root = folder.at('recordings')
    this.disk = {}
    this.manifests = new ManifestStore(folder.at('data', 'manifests'), 'process')
    this.runtime = runtime
    this.births = new Births(folder.at('data', 'births'), runtime)
    this.hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 8 * 1024 * 1024 })
    this.transcoder = owned.use(new AudioTranscoder({ runtime, aacEncoder: DEFAULT_AAC_ENCODER }))
    this.recorder = owned.use(
      new Recorder({
        runtime,
        hub: this.hub,
        catalog,
        transcoder: this.transcoder,
        settings: {
          node: 'node-test',
          roots: [this.root],
          name: '{stream}',
          format: 'auto',
          timeZone: 'UTC',
          durability: 'process',
          fragmentMs: 900,
          trackWaitMs: 1_000,
          reconnectSeconds: 0,
          queueBytes: 16 * 1024 * 1024,
          preRollSeconds: 0,
          preRollBytes: 16 * 1024 * 1024,
          containers: CONTAINERS,
          ...options.settings,
        },
        store: {
          save: async (recording) => {
            await Promise.all([this.manifests.save(recording), catalog.save(recording)])
          },
          remove: (recording) => removeRecording(recording, catalog, this.manifests),
        },
        recover: async () => {},
        rules: options.rules ?? [],
        refusal: () => this.refusal,
        files: faultyFiles(this.disk),
        births: this.births,
        tickMs: 20,
        ...(options.stopAnswerMs === undefined ? {} : { stopAnswerMs: options.stopAnswerMs }),
      }),
    )
    this.recorder.events.listen((event) => {
      if ('rule' in event) this.ruleEvents.push(event)
      else this.events.push(event)
      this.#happened.dispatchEvent(new Event('event'))
    })
  }

  /** Lets the recorder's clocks jump; it looks at them fifty times a second. */
  advance(ms: number): void {
    this.#clock.aheadMs += ms
  }

  publish(path: string): TestPublisher {
    const publisher = new TestPublisher(this.hub, path)
    this.#publishers.push(publisher)
    return publisher
  }

  start(request: Partial<RecordingRequest> = {}): Promise<RecordingDocument> {
    return this.recorder.start({ stream: 'live/cam1', ...request })
  }

  /** The recording, as soon as it is so. */
  async until(id: string, what: (recording: RecordingDocument) => boolean): Promise<RecordingDocument> {
    const endsMs = performance.now() + 60_000
    for (;;) {
      const recording = await this.recorder.get(id)
      if (what(recording)) return recording
      if (performance.now() > endsMs)
        throw new Error(`waited too long for ${what}: ${JSON.stringify(recording, undefined, 1)}`)
      await sleep(20)
    }
  }

  /** The first event of a type, seen already or to come. */
  async event(type: RecordingEvent['type']): Promise<RecordingEvent> {
    for (;;) {
      const found = this.events.find((event) => event.type === type)
      if (found !== undefined) return found
      await once(this.#happened, 'event', { signal: AbortSignal.timeout(60_000) })
    }
  }

  /** The recording of a rule, or the only one. */
  async ready(): Promise<RecordingDocument> {
    const { recording } = await this.event('recording.ready')
    await this.stored(recording.id)
    return recording
  }

  /** The end of a recording is in the catalog when it is out of the recorder's own hands. */
  async stored(recordingId: string): Promise<void> {
    while (this.recorder.active().some(({ id }) => id === recordingId)) await sleep(5)
  }

  /** Types of the events about a recording, in order. */
  told(id: string): string[] {
    return this.events.filter(({ recording }) => recording.id === id).map(({ type }) => type)
  }

  path(part: PartDocument | undefined): string {
    assert.ok(part !== undefined)
    return join(part.root, part.path)
  }

  paths(recording: RecordingDocument): string[] {
    return recording.parts.map((part) => this.path(part))
  }

  /** The ledger balances, every part is as the recording says, catalog and manifest agree. */
  async assertProved(recording: RecordingDocument): Promise<void> {
    const findings = await verifyRecording(recording, diskInspector(CONTAINERS, AbortSignal.timeout(60_000)))
    assert.deepEqual(
      findings.map(({ message }) => message),
      [],
      JSON.stringify(recording, undefined, 1),
    )
    assert.deepEqual(await this.catalog.get(recording.id), recording)
    assert.deepEqual(await this.manifests.read(recording), recording)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const publisher of this.#publishers) publisher.end('unpublished')
    await this.recorder[Symbol.asyncDispose]()
    const leftBytes = this.hub.payloads.inUseBytes
    const { queuedBytes } = this.recorder.counters
    const soundBytes = this.transcoder.inUseBytes
    await this.#owned.disposeAsync()
    assert.equal(leftBytes, 0, 'all payload memory is back')
    assert.equal(soundBytes, 0, 'all memory of transcoded sound is back')
    assert.equal(queuedBytes, 0, 'nothing waits for the disk')
  }
}

/** An encoder without a protocol. */
export class TestPublisher {
  readonly #publication: Publication
  readonly #payloads: Hub['payloads']
  readonly #formats = new Map<number, TrackFormat>()
  isDisconnected = false

  constructor(hub: Hub, path: string) {
    this.#payloads = hub.payloads
    this.#publication = hub.publish(path, {
      protocol: 'test',
      remoteAddress: '127.0.0.1',
      connectionId: 'test',
      encoder: '',
      ...NO_CONNECTION_FACTS,
      disconnect: () => {
        this.isDisconnected = true
        this.end('disconnected')
      },
    })
  }

  /** Announces tracks before their first access unit, as encoders do. */
  announce(formats: readonly TrackFormat[]): void {
    for (const format of formats) {
      this.#formats.set(format.trackId, format)
      this.#publication.stream.setFormat(format)
    }
  }

  /** @param shiftMs added to all times */
  send(units: readonly SourceUnit[], shiftMs = 0): void {
    for (const unit of units) {
      if (this.#formats.get(unit.format.trackId) !== unit.format) this.announce([unit.format])
      const shiftTicks = rescale(Math.round(shiftMs * 1000), 1_000_000, unit.format.timescale)
      this.#publication.stream.write(toAccessUnit(this.#payloads, unit, shiftTicks))
    }
  }

  /** Sends in small portions, so that disk and timers get their turns as with a real publisher. */
  async sendSlowly(units: readonly SourceUnit[], shiftMs = 0, portion = 10): Promise<void> {
    for (let at = 0; at < units.length; at += portion) {
      this.send(units.slice(at, at + portion), shiftMs)
      await sleep(1)
    }
  }

  end(cause: StreamEnd['cause']): void {
    this.#publication.end({ cause, message: '' })
  }
}

function faultyFiles(faults: DiskFaults): PartFiles {
  return {
    create: async (root, relativePath, options) => {
      await faults.beforeCreate?.()
      if (faults.failCreate !== undefined) {
        throw storageErrorFrom(Object.assign(new Error('injected'), { code: faults.failCreate }), relativePath)
      }
      return new FaultFile(await DISK.create(root, relativePath, options), faults)
    },
    openForAppend: async (root, relativePath) => {
      const file = await DISK.openForAppend(root, relativePath)
      return file === undefined ? undefined : new FaultFile(file, faults)
    },
  }
}
