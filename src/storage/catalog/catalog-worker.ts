import { existsSync, renameSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { CatalogDatabase } from './database.ts'
import type { CatalogCall, CatalogOutcome, CatalogWorkerData, FromCatalog, ToCatalog } from './messages.ts'
import { describeFailure, isDamage } from './sqlite-codes.ts'

/** The catalog's thread: everything here may wait for the disk. Started by sqlite-catalog.ts with CatalogWorkerData. */
function serve(port: NonNullable<typeof parentPort>, { path, stamp }: CatalogWorkerData): void {
  const answer = (message: FromCatalog): void => port.postMessage(message)
  let database: CatalogDatabase
  try {
    const isNew = !existsSync(path)
    const opened = openOrReplace(path, stamp)
    database = opened.database
    answer({ kind: 'opened', isNew, damagedMovedTo: opened.damagedMovedTo })
  } catch (error) {
    answer({ kind: 'refused', failure: describeFailure(error) })
    port.close()
    return
  }
  port.on('message', (message: ToCatalog) => {
    if (message.kind === 'close') {
      database[Symbol.dispose]()
      port.close()
      return
    }
    let outcomes = runBatch(database, message.calls)
    let damagedMovedTo: string | undefined
    if (outcomes.some((outcome) => !outcome.ok && isDamage(outcome.failure))) {
      try {
        database[Symbol.dispose]()
        damagedMovedTo = moveAside(path, message.stamp)
        database = new CatalogDatabase(path)
        outcomes = runBatch(database, message.calls)
      } catch (error) {
        const failure = describeFailure(error)
        outcomes = message.calls.map(() => ({ ok: false, failure }))
      }
    }
    answer({ kind: 'results', outcomes, damagedMovedTo })
  })
}

/** All calls in one transaction; when one fails, each in its own, so that only what must fails. */
function runBatch(database: CatalogDatabase, calls: readonly CatalogCall[]): CatalogOutcome[] {
  try {
    return database.transaction(() => calls.map((call) => ({ ok: true, value: run(database, call) })))
  } catch {
    return calls.map((call) => {
      try {
        return { ok: true, value: database.transaction(() => run(database, call)) }
      } catch (error) {
        return { ok: false, failure: describeFailure(error) }
      }
    })
  }
}

function run(database: CatalogDatabase, { method, args }: CatalogCall): unknown {
  return Reflect.apply(database[method], database, args)
}

function openOrReplace(path: string, stamp: string): { database: CatalogDatabase; damagedMovedTo: string | undefined } {
  try {
    return { database: new CatalogDatabase(path), damagedMovedTo: undefined }
  } catch (error) {
    if (!isDamage(describeFailure(error))) throw error
  }
  const damagedMovedTo = moveAside(path, stamp)
  return { database: new CatalogDatabase(path), damagedMovedTo }
}

/** `catalog.db` becomes `catalog.damaged-<stamp>.db`, with its log beside it: someone may still want to salvage it. */
function moveAside(path: string, stamp: string): string {
  const stem = path.replace(/\.db$/, '')
  let target = `${stem}.damaged-${stamp}.db`
  for (let attempt = 2; existsSync(target); attempt++) target = `${stem}.damaged-${stamp}-${attempt}.db`
  renameSync(path, target)
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix)
  }
  return target
}

if (parentPort !== null) serve(parentPort, workerData as CatalogWorkerData)
