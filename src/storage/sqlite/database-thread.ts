import { existsSync, renameSync } from 'node:fs'
import { extname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { type DatabaseRefusals, describeFailure, isDamage } from './failure.ts'
import type { CallOutcome, DatabaseCall, DatabaseWorkerData, FromDatabase, ToDatabase } from './messages.ts'

/** Tables behind methods that take and give what can be sent between threads. */
export interface ThreadedDatabase extends Disposable {
  /** Everything `work` writes is kept, or nothing. */
  transaction<Value>(work: () => Value): Value
}

export interface ServedDatabase<Database extends ThreadedDatabase, Options> {
  readonly open: (path: string, options: Options) => Database
  /** What may be asked of it; everything else is refused. */
  readonly methods: readonly (keyof Database & string)[]
  readonly refusals: DatabaseRefusals
}

/**
 * A database's thread: everything here may wait for the disk. Started by DatabaseClient; does nothing elsewhere. A
 * damaged file is put aside for whoever may want to salvage it, and an empty one takes its place.
 */
export function serveDatabase<Database extends ThreadedDatabase, Options>(
  served: ServedDatabase<Database, Options>,
): void {
  const port = parentPort
  if (port === null) return
  const { path, stamp, options } = workerData as DatabaseWorkerData<Options>
  const { open, refusals } = served
  const answer = (message: FromDatabase): void => port.postMessage(message)
  let database: Database
  try {
    const isNew = !existsSync(path)
    const opened = openOrReplace()
    database = opened.database
    answer({ kind: 'opened', isNew, damagedMovedTo: opened.damagedMovedTo })
  } catch (error) {
    answer({ kind: 'refused', failure: describeFailure(error, refusals) })
    port.close()
    return
  }
  port.on('message', (message: ToDatabase) => {
    if (message.kind === 'close') {
      database[Symbol.dispose]()
      port.close()
      return
    }
    let outcomes = runBatch(database, message.calls, served)
    let damagedMovedTo: string | undefined
    if (outcomes.some((outcome) => !outcome.ok && isDamage(outcome.failure))) {
      try {
        database[Symbol.dispose]()
        damagedMovedTo = moveAside(path, message.stamp)
        database = open(path, options)
        outcomes = runBatch(database, message.calls, served)
      } catch (error) {
        const failure = describeFailure(error, refusals)
        outcomes = message.calls.map(() => ({ ok: false, failure }))
      }
    }
    answer({ kind: 'results', outcomes, damagedMovedTo })
  })

  function openOrReplace(): { database: Database; damagedMovedTo: string | undefined } {
    try {
      return { database: open(path, options), damagedMovedTo: undefined }
    } catch (error) {
      if (!isDamage(describeFailure(error, refusals))) throw error
    }
    const damagedMovedTo = moveAside(path, stamp)
    return { database: open(path, options), damagedMovedTo }
  }
}

/** All calls in one transaction; when one fails, each in its own, so that only what must fails. */
function runBatch<Database extends ThreadedDatabase, Options>(
  database: Database,
  calls: readonly DatabaseCall[],
  { methods, refusals }: ServedDatabase<Database, Options>,
): CallOutcome[] {
  const run = ({ method, args }: DatabaseCall): unknown => {
    const name = methods.find((each) => each === method)
    const callable: unknown = name === undefined ? undefined : database[name]
    if (typeof callable !== 'function') throw new TypeError(`the database has no method ${method}`)
    return Reflect.apply(callable, database, args)
  }
  try {
    return database.transaction(() => calls.map((call) => ({ ok: true, value: run(call) })))
  } catch {
    return calls.map((call) => {
      try {
        return { ok: true, value: database.transaction(() => run(call)) }
      } catch (error) {
        return { ok: false, failure: describeFailure(error, refusals) }
      }
    })
  }
}

/** `catalog.db` becomes `catalog.damaged-<stamp>.db`, with its log beside it. */
function moveAside(path: string, stamp: string): string {
  const extension = extname(path)
  const stem = path.slice(0, path.length - extension.length)
  let target = `${stem}.damaged-${stamp}${extension}`
  for (let attempt = 2; existsSync(target); attempt++) target = `${stem}.damaged-${stamp}-${attempt}${extension}`
  renameSync(path, target)
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix)
  }
  return target
}
