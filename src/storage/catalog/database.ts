import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { GapDocument, PartDocument, RecordingDocument } from '../recording-document.ts'
import type { PartKey, PullRow, RecordingPage, RecordingQuery, RuleRow, UndigestedPart } from './catalog.ts'
import { migrate } from './migrations.ts'
import { checkQuery, writeCursor } from './page.ts'
import type { RecordingChange } from './recording-change.ts'
import { Row } from './row.ts'
import { gapFromRow, ledgerTrackFromRow, partFromRow, pullFromRow, recordingFromRow, ruleFromRow } from './rows.ts'
import { STATEMENTS, type StatementName } from './statements.ts'

type Statement = ReturnType<DatabaseSync['prepare']>

/** Up to this size the whole file is checked at every start: about a second per gigabyte when it is cached. */
const MAX_CHECKED_BYTES = 256 * 1024 * 1024

/**
 * The catalog's tables, synchronously; runs in the catalog's thread. WAL with synchronous=NORMAL: a power cut may undo
 * the last transactions, never tear the file; manifests know what is missing then.
 */
export class CatalogDatabase implements Disposable {
  readonly #database: DatabaseSync
  readonly #statements = new Map<StatementName, Statement>()

  /** @throws SQLite's own errors, and CatalogTooNewError */
  constructor(path: string) {
    const database = new DatabaseSync(path, { timeout: 1_000 })
    try {
      // Held until closed: a second server on the same data folder is refused instead of finishing our open parts.
      database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        PRAGMA foreign_keys = ON;
        BEGIN EXCLUSIVE; COMMIT
      `)
      checkWhole(database)
      migrate(database, path)
    } catch (error) {
      database.close()
      throw error
    }
    this.#database = database
  }

  /** Everything `work` writes is kept, or nothing. */
  transaction<Value>(work: () => Value): Value {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const value = work()
      this.#database.exec('COMMIT')
      return value
    } catch (error) {
      // A full disk has rolled back by itself already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  save(recording: RecordingDocument): void {
    const { id, parts, ledger } = recording
    this.#run('saveRecording', recordingValues(recording))
    for (const part of parts) this.#savePart(id, part)
    this.#saveTracks(recording)
    for (const [position, gap] of ledger.gaps.entries()) this.#saveGap(id, position, gap)
    // A part that held nothing is taken back; tracks and gaps only grow, but nothing here relies on it.
    this.#run('trimParts', [id, JSON.stringify(parts.map(({ index }) => index))])
    this.#run('trimTracks', [id, ledger.tracks.length])
    this.#run('trimGaps', [id, ledger.gaps.length])
  }

  /** False: the recording it is a change of is not here. */
  saveChange({ recording, parts, gaps }: RecordingChange): boolean {
    const { id } = recording
    if (this.#all('getRecording', [id]).length === 0) return false
    this.#run('saveRecording', recordingValues(recording))
    for (const part of parts) this.#savePart(id, part)
    this.#saveTracks(recording)
    for (const [position, gap] of gaps) this.#saveGap(id, position, gap)
    return true
  }

  get(id: string): RecordingDocument | undefined {
    return this.#recordings(this.#all('getRecording', [id]))[0]
  }

  part(id: string, index: number): PartDocument | undefined {
    return this.#all('getPart', [id, index]).map(partFromRow)[0]
  }

  list(query: RecordingQuery): RecordingPage {
    const { conditions, values, limit } = checkQuery(query)
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const sql = `SELECT * FROM recordings ${where} ORDER BY requested_at DESC, id DESC LIMIT ${limit + 1}`
    const rows = this.#database
      .prepare(sql)
      .all(...values)
      .map((values) => new Row(values))
    const recordings = this.#recordings(rows.slice(0, limit))
    const last = recordings.at(-1)
    return { recordings, nextCursor: rows.length > limit && last !== undefined ? writeCursor(last) : undefined }
  }

  unfinished(node: string): readonly RecordingDocument[] {
    return this.#recordings(this.#all('unfinished', [node]))
  }

  undigested(node: string, limit: number, after: PartKey = { recordingId: '', index: 0 }): readonly UndigestedPart[] {
    return this.#all('undigested', [after.recordingId, after.index, node, limit]).map((row) => {
      return {
        recordingId: row.text('recording'),
        index: row.number('part'),
        root: row.text('root'),
        path: row.text('path'),
      }
    })
  }

  noteFileGone({ recordingId, index }: PartKey): void {
    this.#run('noteFileGone', [recordingId, index])
  }

  renaming(node: string): readonly RecordingDocument[] {
    return this.#recordings(this.#all('renaming', [node]))
  }

  remove(id: string): void {
    this.#run('removeRecording', [id])
  }

  findByPart(root: string, path: string): readonly RecordingDocument[] {
    return this.#recordings(this.#all('findByPart', [root, path]))
  }

  totals(): { recordings: number; parts: number; bytes: number } {
    const [row] = this.#all('totals', [])
    if (row === undefined) return { recordings: 0, parts: 0, bytes: 0 }
    return { recordings: row.number('recordings'), parts: row.number('parts'), bytes: row.number('bytes') }
  }

  oldest(limit: number): readonly RecordingDocument[] {
    return this.#recordings(this.#all('oldest', [limit]))
  }

  knownPaths(): ReadonlySet<string> {
    return new Set(this.#all('paths', []).map((row) => `${row.text('root')}\0${row.text('path')}`))
  }

  saveRule(rule: RuleRow): void {
    const { id, match, request, enabled, priority, record, additional, once, metadata, origin } = rule
    this.#run('saveRule', [
      id,
      match,
      JSON.stringify(request),
      enabled ? 1 : 0,
      priority,
      record,
      additional ? 1 : 0,
      once ? 1 : 0,
      JSON.stringify(metadata),
      origin,
    ])
  }

  removeRule(id: string): void {
    this.#run('removeRule', [id])
  }

  rules(): readonly RuleRow[] {
    return this.#all('rules', []).map(ruleFromRow)
  }

  savePull({ id, node, path, url, keepAlive, verifyTls, transport, damaged, metadata }: PullRow): void {
    const flags = [keepAlive ? 1 : 0, verifyTls ? 1 : 0]
    this.#run('savePull', [id, node, path, url, ...flags, transport, damaged, JSON.stringify(metadata)])
  }

  removePull(id: string): void {
    this.#run('removePull', [id])
  }

  pulls(node: string): readonly PullRow[] {
    return this.#all('pulls', [node]).map(pullFromRow)
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #savePart(id: string, part: PartDocument): void {
    this.#run('savePart', [
      id,
      part.index,
      part.root,
      part.path,
      part.state,
      part.startedAt,
      part.sourceStartedAt,
      part.startMs,
      part.durationMs,
      part.bytes,
      part.sha256,
      JSON.stringify(part.tracks),
      part.rename === undefined ? null : JSON.stringify(part.rename),
      part.format ?? null,
    ])
  }

  #saveTracks({ id, ledger }: Pick<RecordingDocument, 'id' | 'ledger'>): void {
    for (const [position, track] of ledger.tracks.entries()) {
      const { trackId, kind, codec, transcoded = null, received, written, lost } = track
      this.#run('saveTrack', [id, position, trackId, kind, codec, transcoded, received, written, lost])
    }
  }

  #saveGap(id: string, position: number, gap: GapDocument): void {
    const { track, fromMs, toMs, missingMs, accessUnits, packets, cause, at } = gap
    this.#run('saveGap', [id, position, track, fromMs, toMs, missingMs, accessUnits, packets, cause, at])
  }

  #recordings(rows: readonly Row[]): readonly RecordingDocument[] {
    return rows.map((row) => {
      const id = row.text('id')
      return recordingFromRow(row, {
        parts: this.#all('partsOf', [id]).map(partFromRow),
        tracks: this.#all('tracksOf', [id]).map(ledgerTrackFromRow),
        gaps: this.#all('gapsOf', [id]).map(gapFromRow),
      })
    })
  }

  #run(name: StatementName, values: readonly SQLInputValue[]): void {
    this.#statement(name).run(...values)
  }

  #all(name: StatementName, values: readonly SQLInputValue[]): readonly Row[] {
    return this.#statement(name)
      .all(...values)
      .map((values) => new Row(values))
  }

  #statement(name: StatementName): Statement {
    let statement = this.#statements.get(name)
    if (statement === undefined) {
      statement = this.#database.prepare(STATEMENTS[name])
      this.#statements.set(name, statement)
    }
    return statement
  }
}

function recordingValues(recording: Omit<RecordingDocument, 'parts'>): readonly SQLInputValue[] {
  return [
    recording.id,
    recording.node,
    recording.stream,
    recording.state,
    recording.format,
    recording.rule,
    recording.requestedAt,
    recording.startedAt,
    recording.endedAt,
    recording.durationMs,
    recording.bytes,
    JSON.stringify(recording.metadata),
    recording.held ? 1 : 0,
    recording.error?.code ?? null,
    recording.error?.message ?? null,
  ]
}

/** @throws an error with SQLite's code for damage, as its own would be */
function checkWhole(database: DatabaseSync): void {
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count'] ?? 0)
  const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.['page_size'] ?? 0)
  if (pages * pageBytes > MAX_CHECKED_BYTES) return
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (verdict !== 'ok') throw Object.assign(new Error(`quick_check: ${String(verdict)}`), { errcode: SQLITE_CORRUPT })
}

/** https://www.sqlite.org/rescode.html#corrupt */
const SQLITE_CORRUPT = 11
