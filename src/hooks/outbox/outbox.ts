import type { Runtime } from '#base/runtime.ts'
import { DatabaseClient } from '#storage/sqlite/database-client.ts'
import type { DatabaseFailure } from '#storage/sqlite/failure.ts'
import type { OutboxDatabase } from './database.ts'
import { OutboxClosedError, OutboxFailedError, OutboxTooNewError } from './errors.ts'
import type { OutboxSettings } from './methods.ts'

export interface OutboxOptions extends OutboxSettings {
  /** Of the file; its folder exists. */
  readonly path: string
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
}

/** What hooks are to be told, in one SQLite file behind a thread of its own. Calls keep their order. */
export type Outbox = DatabaseClient<OutboxDatabase, OutboxSettings>

/**
 * Opens or creates the file. A damaged one is moved aside, with an error in the log. Calls reject with
 * OutboxClosedError or OutboxFailedError.
 * @throws {OutboxTooNewError} @throws {OutboxFailedError}
 */
export function openOutbox({ path, limits, isPowerSafe, runtime }: OutboxOptions): Promise<Outbox> {
  return DatabaseClient.open<OutboxDatabase, OutboxSettings>({
    name: 'outbox',
    worker: new URL('./outbox-worker.ts', import.meta.url),
    path,
    options: { limits, isPowerSafe },
    runtime,
    errorFrom,
    closedError: () => new OutboxClosedError(),
    onReplaced: (movedTo) =>
      runtime.log.error(
        { event: 'outbox.damaged', path, movedTo },
        'the outbox of hooks was damaged; what waited in it is not delivered',
      ),
  })
}

function errorFrom({ message, tooNew }: DatabaseFailure, path: string): Error {
  if (tooNew !== undefined) return new OutboxTooNewError(path, tooNew.version, tooNew.newestKnown)
  return new OutboxFailedError(path, message)
}
