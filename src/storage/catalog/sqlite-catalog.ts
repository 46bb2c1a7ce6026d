import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import type { PartDocument, RecordingDocument } from '../recording-document.ts'
import { DatabaseClient } from '../sqlite/database-client.ts'
import type { Catalog, PartKey, PullRow, RecordingPage, RecordingQuery, RuleRow, UndigestedPart } from './catalog.ts'
import type { CatalogDatabase } from './database.ts'
import { catalogErrorFrom } from './error-from.ts'
import { CatalogClosedError } from './errors.ts'
import { checkQuery } from './page.ts'
import { changeBetween } from './recording-change.ts'

export interface SqliteCatalogOptions {
  /** Existing folder; the file is `catalog.db` in it. */
  readonly folder: string
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
  /** The file was damaged while in use and an empty one took its place: fill it (rebuild.ts) and save what is open. */
  readonly onReplaced: () => void
}

/** The catalog in one SQLite file, behind a thread of its own (see DatabaseClient). */
export class SqliteCatalog implements Catalog {
  readonly #database: DatabaseClient<CatalogDatabase>
  /** Recordings in progress, as the file has them. */
  readonly #saved: Map<string, RecordingDocument>

  private constructor(database: DatabaseClient<CatalogDatabase>, saved: Map<string, RecordingDocument>) {
    this.#database = database
    this.#saved = saved
  }

  /** True when the file was missing or damaged, so that it holds nothing yet. */
  get isEmpty(): boolean {
    return this.#database.isEmpty
  }

  /**
   * Opens or creates the file and brings it to today's schema.
   * @throws {CatalogInUseError} @throws {CatalogTooNewError} @throws {StorageError} subclasses
   */
  static async open({ folder, runtime, onReplaced }: SqliteCatalogOptions): Promise<SqliteCatalog> {
    const path = join(folder, 'catalog.db')
    const saved = new Map<string, RecordingDocument>()
    let isOpen = false
    const database = await DatabaseClient.open<CatalogDatabase>({
      name: 'catalog',
      worker: new URL('./catalog-worker.ts', import.meta.url),
      path,
      options: undefined,
      runtime,
      errorFrom: catalogErrorFrom,
      closedError: () => new CatalogClosedError(),
      onReplaced: (movedTo) => {
        runtime.log.error(
          { event: 'catalog.damaged', path, movedTo },
          'the catalog was damaged; it is rebuilt from the manifests',
        )
        saved.clear()
        if (isOpen) onReplaced()
      },
    })
    isOpen = true
    return new SqliteCatalog(database, saved)
  }

  async save(recording: RecordingDocument): Promise<void> {
    const { id } = recording
    const before = this.#saved.get(id)
    const change = before === undefined ? undefined : changeBetween(before, recording)
    // Until it is known how this went, the next save does not build on it.
    this.#saved.delete(id)
    if (change === undefined || !(await this.#database.call('saveChange', change)))
      await this.#database.call('save', recording)
    // Over, it is saved once or twice more; in progress, with each of its parts.
    const isOver = recording.state === 'ready' || recording.state === 'failed'
    if (!isOver) this.#saved.set(id, recording)
  }

  get(id: string): Promise<RecordingDocument | undefined> {
    return this.#database.call('get', id)
  }

  part(id: string, index: number): Promise<PartDocument | undefined> {
    return this.#database.call('part', id, index)
  }

  async list(query: RecordingQuery): Promise<RecordingPage> {
    checkQuery(query)
    return this.#database.call('list', query)
  }

  unfinished(node: string): Promise<readonly RecordingDocument[]> {
    return this.#database.call('unfinished', node)
  }

  undigested(node: string, limit: number, after?: PartKey): Promise<readonly UndigestedPart[]> {
    return this.#database.call('undigested', node, limit, after)
  }

  noteFileGone(part: PartKey): Promise<void> {
    return this.#database.call('noteFileGone', part)
  }

  renaming(node: string): Promise<readonly RecordingDocument[]> {
    return this.#database.call('renaming', node)
  }

  remove(id: string): Promise<void> {
    this.#saved.delete(id)
    return this.#database.call('remove', id)
  }

  findByPart(root: string, path: string): Promise<readonly RecordingDocument[]> {
    return this.#database.call('findByPart', root, path)
  }

  totals(): Promise<{ recordings: number; parts: number; bytes: number }> {
    return this.#database.call('totals')
  }

  oldest(limit: number): Promise<readonly RecordingDocument[]> {
    return this.#database.call('oldest', limit)
  }

  knownPaths(): Promise<ReadonlySet<string>> {
    return this.#database.call('knownPaths')
  }

  saveRule(rule: RuleRow): Promise<void> {
    return this.#database.call('saveRule', rule)
  }

  removeRule(id: string): Promise<void> {
    return this.#database.call('removeRule', id)
  }

  rules(): Promise<readonly RuleRow[]> {
    return this.#database.call('rules')
  }

  savePull(pull: PullRow): Promise<void> {
    return this.#database.call('savePull', pull)
  }

  removePull(id: string): Promise<void> {
    return this.#database.call('removePull', id)
  }

  pulls(node: string): Promise<readonly PullRow[]> {
    return this.#database.call('pulls', node)
  }

  /** Waits for the calls made so far. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]()
  }
}
