import { existsSync, renameSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '#base/error.ts'
import { describeFailure, isDamage } from '#storage/catalog/sqlite-codes.ts'
import { OutboxDatabase } from './database.ts'
import { OutboxTooNewError } from './errors.ts'
import type { FromOutbox, OutboxCall, OutboxFailure, OutboxOutcome, OutboxWorkerData, ToOutbox } from './messages.ts'

/** The outbox's thread: everything here may wait for the disk. Started by outbox.ts with OutboxWorkerData. */
function serve(port: NonNullable<typeof parentPort>, data: OutboxWorkerData): void {
  const answer = (message: FromOutbox): void => port.postMessage(message)
  let database: OutboxDatabase
  try {
    const opened = openOrReplace(data)
    database = opened.database
    answer({ kind: 'opened', damagedMovedTo: opened.damagedMovedTo })
  } catch (error) {
    answer({ kind: 'refused', failure: failureOf(error) })
    port.close()
    return
  }
  port.on('message', (message: ToOutbox) => {
    if (message.kind === 'close') {
      database[Symbol.dispose]()
      port.close()
      return
    }
    answer({ kind: 'results', outcomes: runBatch(database, message.calls) })
  })
}

/** All calls in one transaction; when one fails, each in its own, so that only what must fails. */
function runBatch(database: OutboxDatabase, calls: readonly OutboxCall[]): OutboxOutcome[] {
  try {
    return database.transaction(() => calls.map((call) => ({ ok: true, value: run(database, call) })))
  } catch {
    return calls.map((call) => {
      try {
        return { ok: true, value: database.transaction(() => run(database, call)) }
      } catch (error) {
        return { ok: false, failure: failureOf(error) }
      }
    })
  }
}

function run(database: OutboxDatabase, { method, args }: OutboxCall): unknown {
  return Reflect.apply(database[method], database, args)
}

/** A damaged file is put aside for whoever may want to salvage it: hooks go on with what happens from now on. */
function openOrReplace({ path, limits, isPowerSafe, stamp }: OutboxWorkerData) {
  const open = () => new OutboxDatabase(path, limits, isPowerSafe)
  try {
    return { database: open(), damagedMovedTo: undefined }
  } catch (error) {
    if (!isDamage(describeFailure(error))) throw error
  }
  const damagedMovedTo = `${path.replace(/\.sqlite$/, '')}.damaged-${stamp}.sqlite`
  renameSync(path, damagedMovedTo)
  for (const suffix of ['-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, damagedMovedTo + suffix)
  }
  return { database: open(), damagedMovedTo }
}

function failureOf(error: unknown): OutboxFailure {
  const message = errorMessage(error)
  if (!(error instanceof OutboxTooNewError)) return { message }
  return { message, tooNew: { version: error.version, newestKnown: error.newestKnown } }
}

if (parentPort !== null) serve(parentPort, workerData as OutboxWorkerData)
