import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import type {
  Delivery,
  DeliveryPage,
  DeliveryQuery,
  DeliveryState,
  DeliveryWithDocument,
  HookKind,
} from '../delivery.ts'
import { OutboxTooNewError } from './errors.ts'
import { OUTBOX_MIGRATIONS } from './schema.ts'
import type {
  DeliveryCount,
  DueDelivery,
  DuePage,
  OutboxPast,
  Refusals,
  Removal,
  Settlement,
  StoredEvent,
  ToldRecording,
} from './stored.ts'

type Statement = ReturnType<DatabaseSync['prepare']>
type Values = Record<string, SQLOutputValue>

/** Bounds of the file. */
export interface OutboxLimits {
  /** Pending deliveries of one hook. */
  readonly maxPending: number
  readonly maxBytes: number
}

const DAY_MS = 86_400_000
const KEEP_DELIVERED_MS = 7 * DAY_MS
const KEEP_DEAD_MS = 30 * DAY_MS
/** What has been told of a recording that is over is needed only until a kill can't have torn it any more. */
const KEEP_TOLD_MS = DAY_MS
/** Deleted in one go, so that deliveries do not wait. */
const PRUNE_ROWS = 1_000
const DEFAULT_PAGE = 100

const DELIVERY_COLUMNS = `
  d.seq, d.id, d.hook, d.kind, d.state, d.attempts, d.created_ms, d.next_ms, d.ended_ms, d.last_status, d.last_error,
  d.last_ms, e.id AS event_id, e.type AS event_type, e.stream, e.recording`

/** The outbox's tables, synchronously; runs in the outbox's thread. */
export class OutboxDatabase implements Disposable {
  readonly #database: DatabaseSync
  readonly #limits: OutboxLimits
  readonly #statements = new Map<string, Statement>()
  readonly #pending = new Map<string, number>()

  /** @throws SQLite's own errors, and OutboxTooNewError */
  constructor(path: string, limits: OutboxLimits, isPowerSafe: boolean) {
    const database = new DatabaseSync(path, { timeout: 1_000 })
    try {
      database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${isPowerSafe ? 'FULL' : 'NORMAL'};
        PRAGMA foreign_keys = ON;
        BEGIN EXCLUSIVE; COMMIT
      `)
      migrate(database, path)
      const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
      if (verdict !== 'ok') throw Object.assign(new Error(`quick_check: ${String(verdict)}`), { errcode: 11 })
    } catch (error) {
      database.close()
      throw error
    }
    this.#database = database
    this.#limits = limits
    for (const { hook, count } of this.counts().filter(({ state }) => state === 'pending'))
      this.#pending.set(hook, count)
  }

  /** Everything `work` writes is kept, or nothing. */
  transaction<Value>(work: () => Value): Value {
    const pending = new Map(this.#pending)
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const value = work()
      this.#database.exec('COMMIT')
      return value
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      for (const hook of this.#pending.keys()) this.#pending.set(hook, pending.get(hook) ?? 0)
      throw error
    }
  }

  /** Notes which hooks there are; what waits for others is given up, to be replayed when they come back. */
  begin(hooks: readonly string[], nowMs: number): OutboxPast {
    const past = {
      hooks: this.#all('SELECT name FROM hooks').map((row) => text(row, 'name')),
      storedUntilMs: this.#all(`SELECT value FROM facts WHERE name = 'stored_until_ms'`).map((row) =>
        number(row, 'value'),
      )[0],
      removals: this.#all('SELECT * FROM removals').map((row) => {
        return { recording: text(row, 'recording'), stream: text(row, 'stream'), document: text(row, 'document') }
      }),
    }
    const names = JSON.stringify(hooks)
    this.#run(
      `UPDATE deliveries SET state = 'dead', is_head = 0, ended_ms = ?, last_error = 'the hook is not configured any more'
       WHERE state = 'pending' AND hook NOT IN (SELECT value FROM json_each(?))`,
      [nowMs, names],
    )
    for (const hook of this.#pending.keys()) if (!hooks.includes(hook)) this.#pending.set(hook, 0)
    this.#run('DELETE FROM hooks', [])
    this.#run('INSERT INTO hooks (name) SELECT DISTINCT value FROM json_each(?)', [names])
    return past
  }

  /** Keeps events in this order; everything before `untilMs` has happened to be stored. Tells what had no room. */
  store(events: readonly StoredEvent[], untilMs: number, nowMs: number): Refusals {
    const refusals: Record<string, number> = {}
    const hasRoom = this.#makeRoom()
    for (const event of events) {
      this.#noteTold(event, nowMs)
      const wanted = event.deliveries.filter(({ hook }) => {
        const isTaken = hasRoom && (this.#pending.get(hook) ?? 0) < this.#limits.maxPending
        if (!isTaken) refusals[hook] = (refusals[hook] ?? 0) + 1
        return isTaken
      })
      if (wanted.length === 0) continue
      const { lastInsertRowid } = this.#run(
        'INSERT INTO events (id, type, stream, recording, document) VALUES (?, ?, ?, ?, ?)',
        [event.id, event.type, event.stream, event.recording, event.document],
      )
      for (const { id, hook, kind, line } of wanted) {
        this.#run(
          `INSERT INTO deliveries (id, event, hook, kind, line, state, is_head, attempts, created_ms, since_ms, next_ms)
           VALUES (?1, ?2, ?3, ?4, ?5, 'pending',
             NOT EXISTS (SELECT 1 FROM deliveries WHERE hook = ?3 AND line = ?5 AND state = 'pending'), 0, ?6, ?6, ?6)`,
          [id, lastInsertRowid, hook, kind, line, nowMs],
        )
        this.#pending.set(hook, (this.#pending.get(hook) ?? 0) + 1)
      }
    }
    this.#run(
      `INSERT INTO facts (name, value) VALUES ('stored_until_ms', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [untilMs],
    )
    return refusals
  }

  /** First in their lines, the longest due first. */
  due(hook: string, nowMs: number, limit: number): DuePage {
    const rows = this.#all(
      `SELECT d.id, d.hook, d.attempts, d.since_ms, e.type, e.stream, e.recording, e.document
       FROM deliveries d JOIN events e ON e.seq = d.event
       WHERE d.is_head = 1 AND d.hook = ? AND d.next_ms <= ? ORDER BY d.next_ms, d.seq LIMIT ?`,
      [hook, nowMs, limit],
    )
    const [next] = this.#all(
      'SELECT min(next_ms) AS next_ms FROM deliveries WHERE is_head = 1 AND hook = ? AND next_ms > ?',
      [hook, nowMs],
    )
    return {
      due: rows.map(dueFromRow),
      nextMs: next === undefined ? undefined : (numberOrNull(next, 'next_ms') ?? undefined),
    }
  }

  settle({ id, state, attempts, nextMs, nowMs, status, error, durationMs }: Settlement): void {
    const [row] = this.#all('SELECT hook, line, state FROM deliveries WHERE id = ?', [id])
    if (row === undefined || text(row, 'state') !== 'pending') return
    const isOver = state !== 'pending'
    this.#run(
      `UPDATE deliveries SET state = ?, is_head = 0, attempts = ?, next_ms = ?, ended_ms = ?, last_status = ?,
         last_error = ?, last_ms = ? WHERE id = ?`,
      [state, attempts, nextMs, isOver ? nowMs : null, status, error, durationMs, id],
    )
    const hook = text(row, 'hook')
    if (isOver) this.#pending.set(hook, Math.max(0, (this.#pending.get(hook) ?? 0) - 1))
    this.#promote(hook, text(row, 'line'))
  }

  /** The receiver answers again: what waits for its next attempt need not. */
  hasten(hook: string, nowMs: number): void {
    this.#run('UPDATE deliveries SET next_ms = ?2 WHERE is_head = 1 AND hook = ?1 AND next_ms > ?2', [hook, nowMs])
  }

  /** Makes it pending again, first in its line; undefined when there is none. */
  replay(id: string, nowMs: number): Delivery | undefined {
    const [row] = this.#all('SELECT hook, line, state FROM deliveries WHERE id = ?', [id])
    if (row === undefined) return undefined
    const hook = text(row, 'hook')
    if (text(row, 'state') !== 'pending') {
      this.#pending.set(hook, (this.#pending.get(hook) ?? 0) + 1)
      this.#run(
        `UPDATE deliveries SET state = 'pending', is_head = 0, attempts = 0, since_ms = ?2, next_ms = ?2, ended_ms = NULL
         WHERE id = ?1`,
        [id, nowMs],
      )
      this.#promote(hook, text(row, 'line'))
    } else {
      this.#run('UPDATE deliveries SET next_ms = ?2 WHERE id = ?1', [id, nowMs])
    }
    return this.get(id)
  }

  get(id: string): DeliveryWithDocument | undefined {
    const [row] = this.#all(
      `SELECT ${DELIVERY_COLUMNS}, e.document FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.id = ?`,
      [id],
    )
    return row === undefined ? undefined : { ...deliveryFromRow(row), document: text(row, 'document') }
  }

  list({ kind, state, recording, limit = DEFAULT_PAGE, cursor }: DeliveryQuery): DeliveryPage {
    const conditions = ['d.kind = ?']
    const values: SQLInputValue[] = [kind]
    const add = (condition: string, value: SQLInputValue): void => {
      conditions.push(condition)
      values.push(value)
    }
    if (state !== undefined) add('d.state = ?', state)
    if (recording !== undefined) add('e.recording = ?', recording)
    if (cursor !== undefined) add('d.seq < ?', Number.parseInt(cursor, 36))
    const rows = this.#all(
      `SELECT ${DELIVERY_COLUMNS} FROM deliveries d JOIN events e ON e.seq = d.event
       WHERE ${conditions.join(' AND ')} ORDER BY d.seq DESC LIMIT ?`,
      [...values, limit + 1],
    )
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    const nextCursor = rows.length > limit && last !== undefined ? number(last, 'seq').toString(36) : undefined
    return { deliveries: page.map(deliveryFromRow), nextCursor }
  }

  counts(): readonly DeliveryCount[] {
    return this.#all('SELECT hook, state, count(*) AS count FROM deliveries GROUP BY hook, state').map((row) => {
      return { hook: text(row, 'hook'), state: text(row, 'state'), count: number(row, 'count') }
    })
  }

  /** What is known of these recordings; of all that are not known to be over, when none are named. */
  told(recordings: readonly string[] | undefined): readonly ToldRecording[] {
    const rows =
      recordings === undefined
        ? this.#all(`SELECT * FROM told WHERE state NOT IN ('ready', 'failed')`)
        : this.#all('SELECT * FROM told WHERE recording IN (SELECT value FROM json_each(?))', [
            JSON.stringify(recordings),
          ])
    return rows.map((row) => {
      const recording = text(row, 'recording')
      const parts = this.#all('SELECT part, is_ready FROM told_parts WHERE recording = ?', [recording])
      const indexes = (those: readonly Values[]) => those.map((part) => number(part, 'part'))
      return {
        recording,
        state: text(row, 'state'),
        openedParts: indexes(parts),
        readyParts: indexes(parts.filter((part) => number(part, 'is_ready') === 1)),
      }
    })
  }

  /** Before a recording is deleted. */
  noteRemoval({ recording, stream, document }: Removal): void {
    this.#run('INSERT OR REPLACE INTO removals (recording, stream, document) VALUES (?, ?, ?)', [
      recording,
      stream,
      document,
    ])
  }

  forgetRemovals(recordings: readonly string[]): void {
    this.#run('DELETE FROM removals WHERE recording IN (SELECT value FROM json_each(?))', [JSON.stringify(recordings)])
  }

  /** Lets go of what is old; true when there may be more. */
  prune(nowMs: number): boolean {
    let pruned = 0
    for (const [state, keepMs] of [
      ['delivered', KEEP_DELIVERED_MS],
      ['dead', KEEP_DEAD_MS],
    ] as const) {
      pruned += this.#delete('state = ? AND ended_ms < ?', [state, nowMs - keepMs])
    }
    this.#run(`DELETE FROM told WHERE state IN ('ready', 'failed') AND at_ms < ?`, [nowMs - KEEP_TOLD_MS])
    return pruned >= PRUNE_ROWS
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #noteTold({ type, recording, part }: StoredEvent, nowMs: number): void {
    if (recording === null) return
    if (type === 'recording.deleted') {
      this.#run('DELETE FROM told WHERE recording = ?', [recording])
      this.#run('DELETE FROM removals WHERE recording = ?', [recording])
      return
    }
    const state = STATES.find((each) => type === `recording.${each}`)
    if (state !== undefined) {
      this.#run(
        `INSERT INTO told (recording, state, at_ms) VALUES (?, ?, ?)
         ON CONFLICT (recording) DO UPDATE SET state = excluded.state, at_ms = excluded.at_ms`,
        [recording, state, nowMs],
      )
    }
    if (part === null || (type !== 'part.opened' && type !== 'part.ready')) return
    // A part can be told of before the recording is known to be begun: after a kill that took the beginning.
    this.#run(`INSERT OR IGNORE INTO told (recording, state, at_ms) VALUES (?, 'started', ?)`, [recording, nowMs])
    this.#run(
      `INSERT INTO told_parts (recording, part, is_ready) VALUES (?, ?, ?)
       ON CONFLICT (recording, part) DO UPDATE SET is_ready = excluded.is_ready`,
      [recording, part, type === 'part.ready' ? 1 : 0],
    )
  }

  /** The line's oldest pending delivery is its head, and no other. */
  #promote(hook: string, line: string): void {
    this.#run(`UPDATE deliveries SET is_head = 0 WHERE hook = ? AND line = ? AND state = 'pending' AND is_head = 1`, [
      hook,
      line,
    ])
    this.#run(
      `UPDATE deliveries SET is_head = 1
       WHERE seq = (SELECT min(seq) FROM deliveries WHERE hook = ? AND line = ? AND state = 'pending')`,
      [hook, line],
    )
  }

  #makeRoom(): boolean {
    if (this.#usedBytes() < this.#limits.maxBytes) return true
    this.#delete(`state = 'delivered'`, [])
    return this.#usedBytes() < this.#limits.maxBytes
  }

  #usedBytes(): number {
    const pragma = (name: string) => Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0)
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  }

  #delete(condition: string, values: readonly SQLInputValue[]): number {
    const rows = this.#all(
      `SELECT seq, event FROM deliveries WHERE ${condition} ORDER BY seq LIMIT ${PRUNE_ROWS}`,
      values,
    )
    for (const row of rows) this.#run('DELETE FROM deliveries WHERE seq = ?', [number(row, 'seq')])
    for (const event of new Set(rows.map((row) => number(row, 'event')))) {
      this.#run('DELETE FROM events WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)', [event])
    }
    return rows.length
  }

  #run(sql: string, values: readonly SQLInputValue[]) {
    return this.#statement(sql).run(...values)
  }

  #all(sql: string, values: readonly SQLInputValue[] = []): readonly Values[] {
    return this.#statement(sql).all(...values)
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

/** What `recording.*` events say of its state; the others don't. */
const STATES = ['waiting', 'started', 'finishing', 'ready', 'failed']

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
  if (version > OUTBOX_MIGRATIONS.length) throw new OutboxTooNewError(path, version, OUTBOX_MIGRATIONS.length)
  for (const [index, step] of OUTBOX_MIGRATIONS.entries()) {
    if (index >= version) database.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}

function deliveryFromRow(row: Values): Delivery {
  const state = text(row, 'state') as DeliveryState
  return {
    id: text(row, 'id'),
    hook: text(row, 'hook'),
    kind: text(row, 'kind') as HookKind,
    eventId: text(row, 'event_id'),
    eventType: text(row, 'event_type'),
    stream: text(row, 'stream'),
    recording: textOrNull(row, 'recording'),
    state,
    attempts: number(row, 'attempts'),
    createdMs: number(row, 'created_ms'),
    nextMs: state === 'pending' ? number(row, 'next_ms') : null,
    endedMs: numberOrNull(row, 'ended_ms'),
    lastStatus: numberOrNull(row, 'last_status'),
    lastError: textOrNull(row, 'last_error'),
    lastDurationMs: numberOrNull(row, 'last_ms'),
  }
}

function dueFromRow(row: Values): DueDelivery {
  return {
    id: text(row, 'id'),
    hook: text(row, 'hook'),
    attempts: number(row, 'attempts'),
    sinceMs: number(row, 'since_ms'),
    eventType: text(row, 'type'),
    stream: text(row, 'stream'),
    recording: textOrNull(row, 'recording'),
    document: text(row, 'document'),
  }
}

function text(row: Values, column: string): string {
  return String(row[column] ?? '')
}

function textOrNull(row: Values, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

function number(row: Values, column: string): number {
  return Number(row[column] ?? 0)
}

function numberOrNull(row: Values, column: string): number | null {
  return row[column] === null ? null : number(row, column)
}
