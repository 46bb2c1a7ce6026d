import type { SQLInputValue } from 'node:sqlite'
import { DatabaseFile } from '#storage/sqlite/database-file.ts'
import type { Delivery, DeliveryPage, DeliveryQuery, DeliveryWithDocument } from '../delivery.ts'
import { OutboxTooNewError } from './errors.ts'
import { DELIVERY_COLUMNS, deliveryFromRow, dueFromRow, number, numberOrNull, text } from './rows.ts'
import { OUTBOX_MIGRATIONS } from './schema.ts'
import type {
  DeliveryCount,
  DuePage,
  OutboxPast,
  Refusals,
  Removal,
  Settlement,
  StoredEvent,
  ToldRecording,
} from './stored.ts'
import { Told } from './told.ts'

/** Bounds of the file. */
export interface OutboxLimits {
  /** Pending deliveries of one hook. */
  readonly maxPending: number
  readonly maxBytes: number
}

const DAY_MS = 86_400_000
const KEEP_DELIVERED_MS = 7 * DAY_MS
const KEEP_DEAD_MS = 30 * DAY_MS
/** Deleted in one go, so that deliveries do not wait. */
const PRUNE_ROWS = 1_000
const DEFAULT_PAGE = 100

/** The outbox's tables, synchronously; runs in the outbox's thread. */
export class OutboxDatabase implements Disposable {
  readonly #file: DatabaseFile
  readonly #told: Told
  readonly #limits: OutboxLimits
  /** Deliveries that wait, by hook. */
  readonly #pending = new Map<string, number>()

  /** @throws SQLite's own errors, and OutboxTooNewError */
  constructor(path: string, limits: OutboxLimits, isPowerSafe: boolean) {
    this.#file = new DatabaseFile(path, {
      isPowerSafe,
      migrations: OUTBOX_MIGRATIONS,
      tooNew: (version, newestKnown) => new OutboxTooNewError(path, version, newestKnown),
    })
    this.#told = new Told(this.#file)
    this.#limits = limits
    for (const { hook, count } of this.counts().filter(({ state }) => state === 'pending'))
      this.#pending.set(hook, count)
  }

  /** Everything `work` writes is kept, or nothing. */
  transaction<Value>(work: () => Value): Value {
    const pending = new Map(this.#pending)
    try {
      return this.#file.transaction(work)
    } catch (error) {
      for (const hook of this.#pending.keys()) this.#pending.set(hook, pending.get(hook) ?? 0)
      throw error
    }
  }

  /** Notes which hooks there are; what waits for others is given up, to be replayed when they come back. */
  begin(hooks: readonly string[], nowMs: number): OutboxPast {
    const past = {
      hooks: this.#file.all('SELECT name FROM hooks').map((row) => text(row, 'name')),
      storedUntilMs: this.#file
        .all(`SELECT value FROM facts WHERE name = 'stored_until_ms'`)
        .map((row) => number(row, 'value'))[0],
      removals: this.#told.removals(),
    }
    const names = JSON.stringify(hooks)
    this.#file.run(
      `UPDATE deliveries SET state = 'dead', is_head = 0, ended_ms = ?, last_error = 'the hook is not configured any more'
       WHERE state = 'pending' AND hook NOT IN (SELECT value FROM json_each(?))`,
      [nowMs, names],
    )
    for (const hook of this.#pending.keys()) if (!hooks.includes(hook)) this.#pending.set(hook, 0)
    this.#file.run('DELETE FROM hooks', [])
    this.#file.run('INSERT INTO hooks (name) SELECT DISTINCT value FROM json_each(?)', [names])
    return past
  }

  /** Keeps events in this order; everything before `untilMs` has happened to be stored. Tells what had no room. */
  store(events: readonly StoredEvent[], untilMs: number, nowMs: number): Refusals {
    const refusals: Record<string, number> = {}
    const hasRoom = this.#makeRoom()
    for (const event of events) {
      this.#told.note(event, nowMs)
      const wanted = event.deliveries.filter(({ hook }) => {
        const isTaken = hasRoom && (this.#pending.get(hook) ?? 0) < this.#limits.maxPending
        if (!isTaken) refusals[hook] = (refusals[hook] ?? 0) + 1
        return isTaken
      })
      if (wanted.length === 0) continue
      const row = this.#file.run('INSERT INTO events (id, type, stream, recording, document) VALUES (?, ?, ?, ?, ?)', [
        event.id,
        event.type,
        event.stream,
        event.recording,
        event.document,
      ])
      for (const { id, hook, kind, line } of wanted) {
        this.#file.run(
          `INSERT INTO deliveries (id, event, hook, kind, line, state, is_head, attempts, created_ms, since_ms, next_ms)
           VALUES (?1, ?2, ?3, ?4, ?5, 'pending',
             NOT EXISTS (SELECT 1 FROM deliveries WHERE hook = ?3 AND line = ?5 AND state = 'pending'), 0, ?6, ?6, ?6)`,
          [id, row, hook, kind, line, nowMs],
        )
        this.#pending.set(hook, (this.#pending.get(hook) ?? 0) + 1)
      }
    }
    this.#file.run(
      `INSERT INTO facts (name, value) VALUES ('stored_until_ms', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [untilMs],
    )
    return refusals
  }

  /** First in their lines, the longest due first. */
  due(hook: string, nowMs: number, limit: number): DuePage {
    const rows = this.#file.all(
      `SELECT d.id, d.hook, d.attempts, d.since_ms, e.type, e.stream, e.recording, e.document
       FROM deliveries d JOIN events e ON e.seq = d.event
       WHERE d.is_head = 1 AND d.hook = ? AND d.next_ms <= ? ORDER BY d.next_ms, d.seq LIMIT ?`,
      [hook, nowMs, limit],
    )
    const [next] = this.#file.all(
      'SELECT min(next_ms) AS next_ms FROM deliveries WHERE is_head = 1 AND hook = ? AND next_ms > ?',
      [hook, nowMs],
    )
    return {
      due: rows.map(dueFromRow),
      nextMs: next === undefined ? undefined : (numberOrNull(next, 'next_ms') ?? undefined),
    }
  }

  settle({ id, state, attempts, nextMs, nowMs, status, error, durationMs }: Settlement): void {
    const [row] = this.#file.all('SELECT hook, line, state FROM deliveries WHERE id = ?', [id])
    if (row === undefined || text(row, 'state') !== 'pending') return
    const isOver = state !== 'pending'
    this.#file.run(
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
    this.#file.run('UPDATE deliveries SET next_ms = ?2 WHERE is_head = 1 AND hook = ?1 AND next_ms > ?2', [hook, nowMs])
  }

  /** Makes it pending again, first in its line; undefined when there is none. */
  replay(id: string, nowMs: number): Delivery | undefined {
    const [row] = this.#file.all('SELECT hook, line, state FROM deliveries WHERE id = ?', [id])
    if (row === undefined) return undefined
    const hook = text(row, 'hook')
    if (text(row, 'state') !== 'pending') {
      this.#pending.set(hook, (this.#pending.get(hook) ?? 0) + 1)
      this.#file.run(
        `UPDATE deliveries SET state = 'pending', is_head = 0, attempts = 0, since_ms = ?2, next_ms = ?2, ended_ms = NULL
         WHERE id = ?1`,
        [id, nowMs],
      )
      this.#promote(hook, text(row, 'line'))
    } else {
      this.#file.run('UPDATE deliveries SET next_ms = ?2 WHERE id = ?1', [id, nowMs])
    }
    return this.get(id)
  }

  get(id: string): DeliveryWithDocument | undefined {
    const [row] = this.#file.all(
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
    const rows = this.#file.all(
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
    return this.#file.all('SELECT hook, state, count(*) AS count FROM deliveries GROUP BY hook, state').map((row) => {
      return { hook: text(row, 'hook'), state: text(row, 'state'), count: number(row, 'count') }
    })
  }

  /** See Told. */
  told(recordings: readonly string[] | undefined): readonly ToldRecording[] {
    return this.#told.told(recordings)
  }

  /** Before a recording is deleted. */
  noteRemoval(removal: Removal): void {
    this.#told.noteRemoval(removal)
  }

  forgetRemovals(recordings: readonly string[]): void {
    this.#told.forgetRemovals(recordings)
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
    this.#told.prune(nowMs)
    return pruned >= PRUNE_ROWS
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]()
  }

  /** The line's oldest pending delivery is its head, and no other. */
  #promote(hook: string, line: string): void {
    this.#file.run(
      `UPDATE deliveries SET is_head = 0 WHERE hook = ? AND line = ? AND state = 'pending' AND is_head = 1`,
      [hook, line],
    )
    this.#file.run(
      `UPDATE deliveries SET is_head = 1
       WHERE seq = (SELECT min(seq) FROM deliveries WHERE hook = ? AND line = ? AND state = 'pending')`,
      [hook, line],
    )
  }

  #makeRoom(): boolean {
    if (this.#file.usedBytes < this.#limits.maxBytes) return true
    this.#delete(`state = 'delivered'`, [])
    return this.#file.usedBytes < this.#limits.maxBytes
  }

  #delete(condition: string, values: readonly SQLInputValue[]): number {
    const rows = this.#file.all(
      `SELECT seq, event FROM deliveries WHERE ${condition} ORDER BY seq LIMIT ${PRUNE_ROWS}`,
      values,
    )
    for (const row of rows) this.#file.run('DELETE FROM deliveries WHERE seq = ?', [number(row, 'seq')])
    for (const event of new Set(rows.map((row) => number(row, 'event')))) {
      this.#file.run('DELETE FROM events WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)', [
        event,
      ])
    }
    return rows.length
  }
}
