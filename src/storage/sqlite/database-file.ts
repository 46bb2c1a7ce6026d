import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'

type Statement = ReturnType<DatabaseSync['prepare']>

/** A row of a result, by column. */
export type RowValues = Record<string, SQLOutputValue>

export interface DatabaseFileOptions {
  /** A power cut loses nothing that was stored, at the price of a disk flush each time; else the last transactions. */
  readonly isPowerSafe: boolean
  /** Steps from an empty file to today's schema. A step is never changed once released: add another. */
  readonly migrations: readonly string[]
  /** What to throw when the file's version is newer than the newest that is known. */
  readonly tooNew: (version: number, newestKnown: number) => Error
}

/** Up to this size the whole file is checked at every start: about a second per gigabyte when it is cached. */
const MAX_CHECKED_BYTES = 256 * 1024 * 1024

/** https://www.sqlite.org/rescode.html#corrupt */
const SQLITE_CORRUPT = 11

/**
 * An SQLite file that is ours alone while it is open, with the tables of today. WAL: a power cut may undo the last
 * transactions (unless it is power safe), never tear the file. Statements are prepared once, by their text.
 */
export class DatabaseFile implements Disposable {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, Statement>()

  /** @throws SQLite's own errors, also for damage, and `tooNew` */
  constructor(path: string, options: DatabaseFileOptions) {
    const database = new DatabaseSync(path, { timeout: 1_000 })
    try {
      // Held until closed: a second server on the same data folder is refused instead of finishing our open parts.
      database.exec(`
        PRAGMA locking_mode = EXCLUSIVE;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${options.isPowerSafe ? 'FULL' : 'NORMAL'};
        PRAGMA foreign_keys = ON;
        BEGIN EXCLUSIVE; COMMIT
      `)
      checkWhole(database)
      migrate(database, options)
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

  /** @returns the id of the row it has inserted, if any */
  run(sql: string, values: readonly SQLInputValue[] = []): number | bigint {
    return this.#statement(sql).run(...values).lastInsertRowid
  }

  all(sql: string, values: readonly SQLInputValue[] = []): readonly RowValues[] {
    return this.#statement(sql).all(...values)
  }

  /** Like `all`, for a text that is made for one time. */
  query(sql: string, values: readonly SQLInputValue[]): readonly RowValues[] {
    return this.#database.prepare(sql).all(...values)
  }

  /** Bytes that hold something. */
  get usedBytes(): number {
    const pages = pragma(this.#database, 'page_count') - pragma(this.#database, 'freelist_count')
    return pages * pragma(this.#database, 'page_size')
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
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

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0)
}

/** @throws an error with SQLite's code for damage, as its own would be */
function checkWhole(database: DatabaseSync): void {
  if (pragma(database, 'page_count') * pragma(database, 'page_size') > MAX_CHECKED_BYTES) return
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (verdict !== 'ok') throw Object.assign(new Error(`quick_check: ${String(verdict)}`), { errcode: SQLITE_CORRUPT })
}

/** Makes the steps that are missing, each in a transaction of its own; their number is SQLite's user_version. */
function migrate(database: DatabaseSync, { migrations, tooNew }: DatabaseFileOptions): void {
  const version = pragma(database, 'user_version')
  if (version > migrations.length) throw tooNew(version, migrations.length)
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue
    database.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}
