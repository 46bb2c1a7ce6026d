import type { SQLInputValue } from 'node:sqlite'
import type { GapDocument, PartDocument, RecordingDocument } from '../recording-document.ts'
import { DatabaseFile } from '../sqlite/database-file.ts'
import type { PartKey, PullRow, RecordingPage, RecordingQuery, RuleRow, UndigestedPart } from './catalog.ts'
import { CatalogTooNewError } from './errors.ts'
import { MIGRATIONS } from './migrations.ts'
import { checkQuery, writeCursor } from './page.ts'
import type { RecordingChange } from './recording-change.ts'
import { Row } from './row.ts'
import { gapFromRow, ledgerTrackFromRow, partFromRow, pullFromRow, recordingFromRow, ruleFromRow } from './rows.ts'
import { STATEMENTS, type StatementName } from './statements.ts'

/**
 * The catalog's tables, synchronously; runs in the catalog's thread. A power cut may undo the last transactions:
 * manifests know what is missing then.
 */
export class CatalogDatabase implements Disposable {
  readonly #file: DatabaseFile

  /** @throws SQLite's own errors, and CatalogTooNewError */
  constructor(path: string) {
    this.#file = new DatabaseFile(path, {
      isPowerSafe: false,
      migrations: MIGRATIONS,
      tooNew: (version, newestKnown) => new CatalogTooNewError(path, version, newestKnown),
    })
  }

  /** Everything `work` writes is kept, or nothing. */
  transaction<Value>(work: () => Value): Value {
    return this.#file.transaction(work)
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
    const rows = this.#file.query(sql, values).map((values) => new Row(values))
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
    this.#file[Symbol.dispose]()
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
    this.#file.run(STATEMENTS[name], values)
  }

  #all(name: StatementName, values: readonly SQLInputValue[]): readonly Row[] {
    return this.#file.all(STATEMENTS[name], values).map((values) => new Row(values))
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
    recording.clockDriftPpm ?? null,
  ]
}
