import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Runtime } from '#base/runtime.ts'
import type { PartDocument, RecordingDocument } from '../recording-document.ts'
import type { Catalog, PartKey, PullRow, RecordingPage, RecordingQuery, RuleRow, UndigestedPart } from './catalog.ts'
import type { CatalogDatabase } from './database.ts'
import { CatalogClosedError } from './errors.ts'
import type {
  CatalogCall,
  CatalogMethod,
  CatalogOutcome,
  CatalogWorkerData,
  FromCatalog,
  ToCatalog,
} from './messages.ts'
import { checkQuery } from './page.ts'
import { changeBetween } from './recording-change.ts'
import { catalogErrorFrom } from './sqlite-codes.ts'

export interface SqliteCatalogOptions {
  /** Existing folder; the file is `catalog.db` in it. */
  readonly folder: string
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
  /** The file was damaged while in use and an empty one took its place: fill it (rebuild.ts) and save what is open. */
  readonly onReplaced: () => void
}

interface PendingCall extends CatalogCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The catalog in one SQLite file, behind a thread of its own: no disk stall reaches the caller's event loop. Calls made
 * while the thread is busy travel together and share one transaction.
 */
export class SqliteCatalog implements Catalog {
  /** True when the file was missing or damaged, so that it holds nothing yet. */
  readonly isEmpty: boolean
  readonly #worker: Worker
  readonly #path: string
  readonly #options: SqliteCatalogOptions
  #waiting: PendingCall[] = []
  #inFlight: readonly PendingCall[] = []
  #sendScheduled = false
  #closing: Promise<void> | undefined
  #ended = false
  /** Recordings in progress, as the file has them. */
  readonly #saved = new Map<string, RecordingDocument>()

  private constructor(worker: Worker, path: string, isEmpty: boolean, options: SqliteCatalogOptions) {
    this.#worker = worker
    this.#path = path
    this.isEmpty = isEmpty
    this.#options = options
    worker.on('message', (message: FromCatalog) => {
      if (message.kind === 'results') this.#answer(message.outcomes, message.damagedMovedTo)
    })
    worker.on('error', (error) =>
      options.runtime.log.error({ event: 'catalog.thread-failed', err: error }, 'the catalog has failed'),
    )
    worker.on('exit', () => this.#end())
  }

  /**
   * Opens or creates the file and brings it to today's schema.
   * @throws {CatalogInUseError} @throws {CatalogTooNewError} @throws {StorageError} subclasses
   */
  static async open(options: SqliteCatalogOptions): Promise<SqliteCatalog> {
    const path = join(options.folder, 'catalog.db')
    const data: CatalogWorkerData = { path, stamp: stampOf(options.runtime.nowMs()) }
    const worker = new Worker(new URL('./catalog-worker.ts', import.meta.url), { workerData: data, name: 'catalog' })
    // Rejects when the thread fails before its first word.
    const [first] = (await once(worker, 'message')) as [FromCatalog]
    if (first.kind === 'refused') throw catalogErrorFrom(first.failure, path)
    const opened = first.kind === 'opened' ? first : { isNew: false, damagedMovedTo: undefined }
    if (opened.damagedMovedTo !== undefined) logDamage(options, path, opened.damagedMovedTo)
    return new SqliteCatalog(worker, path, opened.isNew || opened.damagedMovedTo !== undefined, options)
  }

  async save(recording: RecordingDocument): Promise<void> {
    const { id } = recording
    const before = this.#saved.get(id)
    const change = before === undefined ? undefined : changeBetween(before, recording)
    // Until it is known how this went, the next save does not build on it.
    this.#saved.delete(id)
    if (change === undefined || !(await this.#call('saveChange', change))) await this.#call('save', recording)
    // Over, it is saved once or twice more; in progress, with each of its parts.
    const isOver = recording.state === 'ready' || recording.state === 'failed'
    if (!isOver) this.#saved.set(id, recording)
  }

  get(id: string): Promise<RecordingDocument | undefined> {
    return this.#call('get', id)
  }

  part(id: string, index: number): Promise<PartDocument | undefined> {
    return this.#call('part', id, index)
  }

  async list(query: RecordingQuery): Promise<RecordingPage> {
    checkQuery(query)
    return this.#call('list', query)
  }

  unfinished(node: string): Promise<readonly RecordingDocument[]> {
    return this.#call('unfinished', node)
  }

  undigested(node: string, limit: number, after?: PartKey): Promise<readonly UndigestedPart[]> {
    return this.#call('undigested', node, limit, after)
  }

  noteFileGone(part: PartKey): Promise<void> {
    return this.#call('noteFileGone', part)
  }

  renaming(node: string): Promise<readonly RecordingDocument[]> {
    return this.#call('renaming', node)
  }

  remove(id: string): Promise<void> {
    this.#saved.delete(id)
    return this.#call('remove', id)
  }

  findByPart(root: string, path: string): Promise<readonly RecordingDocument[]> {
    return this.#call('findByPart', root, path)
  }

  totals(): Promise<{ recordings: number; parts: number; bytes: number }> {
    return this.#call('totals')
  }

  oldest(limit: number): Promise<readonly RecordingDocument[]> {
    return this.#call('oldest', limit)
  }

  knownPaths(): Promise<ReadonlySet<string>> {
    return this.#call('knownPaths')
  }

  saveRule(rule: RuleRow): Promise<void> {
    return this.#call('saveRule', rule)
  }

  removeRule(id: string): Promise<void> {
    return this.#call('removeRule', id)
  }

  rules(): Promise<readonly RuleRow[]> {
    return this.#call('rules')
  }

  savePull(pull: PullRow): Promise<void> {
    return this.#call('savePull', pull)
  }

  removePull(id: string): Promise<void> {
    return this.#call('removePull', id)
  }

  pulls(node: string): Promise<readonly PullRow[]> {
    return this.#call('pulls', node)
  }

  /** Waits for the calls made so far. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#ended) return
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#send()
    // Messages keep their order: whatever was sent before is done before.
    if (this.#waiting.length === 0) this.#post({ kind: 'close' })
    await ended
  }

  #call<Method extends CatalogMethod>(
    method: Method,
    ...args: Parameters<CatalogDatabase[Method]>
  ): Promise<ReturnType<CatalogDatabase[Method]>> {
    if (this.#closing !== undefined || this.#ended) return Promise.reject(new CatalogClosedError())
    return new Promise((resolve, reject) => {
      // The thread calls the method of this name and gives back what it returned.
      const settle = (value: unknown): void => resolve(value as ReturnType<CatalogDatabase[Method]>)
      this.#waiting.push({ method, args, resolve: settle, reject })
      if (this.#sendScheduled || this.#inFlight.length > 0) return
      this.#sendScheduled = true
      queueMicrotask(() => this.#send())
    })
  }

  /** One batch is under way at a time; what comes meanwhile is the next. */
  #send(): void {
    this.#sendScheduled = false
    if (this.#inFlight.length > 0 || this.#waiting.length === 0 || this.#ended) return
    this.#inFlight = this.#waiting
    this.#waiting = []
    const calls = this.#inFlight.map(({ method, args }) => ({ method, args }))
    this.#post({ kind: 'batch', stamp: stampOf(this.#options.runtime.nowMs()), calls })
  }

  #answer(outcomes: readonly CatalogOutcome[], damagedMovedTo: string | undefined): void {
    const answered = this.#inFlight
    this.#inFlight = []
    for (const [index, call] of answered.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) call.reject(new CatalogClosedError())
      else if (outcome.ok) call.resolve(outcome.value)
      else call.reject(catalogErrorFrom(outcome.failure, this.#path))
    }
    if (damagedMovedTo !== undefined) {
      logDamage(this.#options, this.#path, damagedMovedTo)
      this.#saved.clear()
      this.#options.onReplaced()
    }
    this.#send()
    if (this.#closing !== undefined && this.#inFlight.length === 0) this.#post({ kind: 'close' })
  }

  #post(message: ToCatalog): void {
    this.#worker.postMessage(message)
  }

  #end(): void {
    this.#ended = true
    for (const call of [...this.#inFlight, ...this.#waiting]) call.reject(new CatalogClosedError())
    this.#inFlight = []
    this.#waiting = []
  }
}

function logDamage({ runtime }: SqliteCatalogOptions, path: string, movedTo: string): void {
  runtime.log.error(
    { event: 'catalog.damaged', path, movedTo },
    'the catalog was damaged; it is rebuilt from the manifests',
  )
}

/** A time for file names: `20261120T064105Z`. */
function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
}
