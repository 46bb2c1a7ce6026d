import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Signal } from '#base/events.ts'
import { newUlid } from '#base/id.ts'
import { compilePathPattern } from '#hub/path-pattern.ts'
import {
  PartNotFoundError,
  RecordingBusyError,
  RecordingHeldError,
  RecordingNotFoundError,
  RecordingNotRunningError,
  RuleNotFoundError,
  RuleReadOnlyError,
  StreamNotFoundError,
} from '#recorder/errors.ts'
import type { NewRule } from '#recorder/new-rule.ts'
import type {
  AdoptedFile,
  RecorderApi,
  RecorderCounters,
  RecorderEvent,
  RecorderObserver,
} from '#recorder/recorder-api.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingPage, RecordingQuery, RuleRow } from '#storage/catalog/catalog.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { partSample, recordingSample } from './recording-sample.ts'

/**
 * The recorder's contract without media: keeps documents in memory and writes the bytes a test gives as part files.
 * For tests of what stands above the recorder.
 */
export class MemoryRecorder implements RecorderApi {
  readonly events = new Signal<RecorderEvent>((error) => {
    throw error
  })
  counters: RecorderCounters = { received: 0, written: 0, lostByCause: {}, writtenBytes: 0, queuedBytes: 0 }
  isReady = true
  /** Streams that count as published. */
  readonly published = new Set<string>()
  readonly observers = new Set<RecorderObserver>()
  readonly #root: string
  readonly #recordings = new Map<string, RecordingDocument>()
  readonly #rules = new Map<string, RuleRow>()

  constructor(root: string, rules: readonly RuleRow[] = []) {
    this.#root = root
    for (const rule of rules) this.#rules.set(rule.id, rule)
  }

  observe(observer: RecorderObserver): Disposable {
    this.observers.add(observer)
    return { [Symbol.dispose]: () => void this.observers.delete(observer) }
  }

  /** Puts a recording in, its only part holding these bytes. */
  async add(overrides: Partial<RecordingDocument>, bytes: Uint8Array): Promise<RecordingDocument> {
    const id = overrides.id ?? newUlid(Date.now())
    const path = `live/${id}.mp4`
    const isOpen = overrides.state === 'recording'
    const part = partSample({ path, root: this.#root, bytes: bytes.length, state: isOpen ? 'open' : 'ready' })
    const recording = recordingSample({ parts: [part], bytes: bytes.length, ...overrides, id })
    await mkdir(dirname(join(this.#root, path)), { recursive: true })
    await writeFile(join(this.#root, path), bytes)
    this.#recordings.set(id, recording)
    return recording
  }

  async start(request: RecordingRequest): Promise<RecordingDocument> {
    const isPublished = this.published.has(request.stream)
    if (!isPublished && request.waitForStream !== true) throw new StreamNotFoundError(request.stream)
    const recording = recordingSample({
      id: newUlid(Date.now()),
      stream: request.stream,
      state: isPublished ? 'recording' : 'waiting',
      rule: null,
      endedAt: null,
      parts: [],
      metadata: request.metadata ?? {},
    })
    this.#recordings.set(recording.id, recording)
    this.events.emit({ type: isPublished ? 'recording.started' : 'recording.waiting', recording })
    return recording
  }

  expectedPath({ stream, format = 'mp4' }: RecordingRequest): string {
    return `${stream}.${format}`
  }

  async stop(id: string): Promise<RecordingDocument> {
    const recording = await this.get(id)
    if (!isRunning(recording)) return recording
    const stopped = this.#change({ ...recording, state: 'ready', endedAt: new Date().toISOString() })
    this.events.emit({ type: 'recording.ready', recording: stopped })
    return stopped
  }

  async split(id: string): Promise<RecordingDocument> {
    const recording = await this.get(id)
    if (recording.state !== 'recording') throw new RecordingNotRunningError(id, recording.state)
    return recording
  }

  async get(id: string): Promise<RecordingDocument> {
    const recording = this.#recordings.get(id)
    if (recording === undefined) throw new RecordingNotFoundError(id)
    return recording
  }

  async list({ stream, state, limit = 100, cursor }: RecordingQuery): Promise<RecordingPage> {
    const found = [...this.#recordings.values()]
      .filter((recording) => stream === undefined || recording.stream === stream)
      .filter((recording) => state === undefined || recording.state === state)
      .filter((recording) => cursor === undefined || recording.id < cursor)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
    const recordings = found.slice(0, limit)
    return { recordings, nextCursor: found.length > limit ? recordings.at(-1)?.id : undefined }
  }

  async adopt({ stream, format, durationMs, metadata, ...file }: AdoptedFile): Promise<RecordingDocument> {
    const { root, temporaryPath: path, bytes, tracks } = file
    const part = partSample({ root, path, bytes, tracks, durationMs })
    const facts = { id: newUlid(Date.now()), stream, format, durationMs, bytes, parts: [part], metadata }
    const recording = this.#change(recordingSample({ ...facts, rule: null }))
    this.events.emit({ type: 'recording.ready', recording })
    return recording
  }

  async remove(id: string): Promise<void> {
    const recording = await this.get(id)
    if (isRunning(recording)) throw new RecordingBusyError(id, recording.state)
    if (recording.held) throw new RecordingHeldError(id)
    for (const part of recording.parts) await rm(join(part.root, part.path), { force: true })
    this.#recordings.delete(id)
    this.events.emit({ type: 'recording.deleted', recording })
  }

  async setHeld(id: string, held: boolean): Promise<RecordingDocument> {
    return this.#change({ ...(await this.get(id)), held })
  }

  async partFile(id: string, index: number) {
    const recording = await this.get(id)
    const part = recording.parts.find((candidate) => candidate.index === index)
    if (part === undefined) throw new PartNotFoundError(id, index)
    return { path: join(part.root, part.path), part, recording }
  }

  async lendPart(id: string, index: number) {
    const { part } = await this.partFile(id, index)
    return { part, [Symbol.dispose]: () => {} }
  }

  active(stream?: string): readonly RecordingDocument[] {
    return [...this.#recordings.values()].filter(
      (recording) => isRunning(recording) && (stream === undefined || recording.stream === stream),
    )
  }

  rules(): readonly RuleRow[] {
    return [...this.#rules.values()]
  }

  async addRule(rule: NewRule): Promise<RuleRow> {
    compilePathPattern(rule.match)
    const row: RuleRow = { ...rule, id: newUlid(Date.now()), origin: 'api' }
    this.#rules.set(row.id, row)
    return row
  }

  async updateRule(id: string, change: Partial<NewRule>): Promise<RuleRow> {
    const row = { ...this.#changeableRule(id), ...change }
    this.#rules.set(id, row)
    return row
  }

  async removeRule(id: string, { stop }: { readonly stop?: boolean } = {}): Promise<void> {
    this.#rules.delete(this.#changeableRule(id).id)
    for (const { id: started, rule } of this.active()) if (stop === true && rule === id) await this.stop(started)
  }

  #changeableRule(id: string): RuleRow {
    const rule = this.#rules.get(id)
    if (rule === undefined) throw new RuleNotFoundError(id)
    if (rule.origin === 'config') throw new RuleReadOnlyError(id)
    return rule
  }

  #change(recording: RecordingDocument): RecordingDocument {
    this.#recordings.set(recording.id, recording)
    return recording
  }
}

function isRunning({ state }: RecordingDocument): boolean {
  return state === 'waiting' || state === 'recording' || state === 'finishing'
}
