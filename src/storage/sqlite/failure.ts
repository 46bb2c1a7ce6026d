/** Primary result codes, https://www.sqlite.org/rescode.html (extended codes have them in the low byte). */
export const SQLITE = {
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

/** An error as it crosses from a database's thread. */
export interface DatabaseFailure {
  readonly message: string
  /** SQLite's result code; undefined when SQLite wasn't the one to complain. */
  readonly resultCode: number | undefined
  /** Our own refusal of a file from the future. */
  readonly tooNew: { readonly version: number; readonly newestKnown: number } | undefined
}

/** Refusals of a database class that mean more than their message. */
export interface DatabaseRefusals {
  /** The file has a schema of a newer Tapedeck. */
  readonly tooNew: abstract new (
    ...args: never[]
  ) => { readonly version: number; readonly newestKnown: number }
  /** What is in a readable file makes no sense. */
  readonly damaged?: abstract new (
    ...args: never[]
  ) => Error
}

/** What is known of an error, in a form that can be sent to another thread. */
export function describeFailure(error: unknown, refusals: DatabaseRefusals): DatabaseFailure {
  const tooNew =
    error instanceof refusals.tooNew ? { version: error.version, newestKnown: error.newestKnown } : undefined
  const isDamaged = refusals.damaged !== undefined && error instanceof refusals.damaged
  const resultCode = isDamaged ? SQLITE.corrupt : resultCodeOf(error)
  return { message: error instanceof Error ? error.message : String(error), resultCode, tooNew }
}

/** The file is not, or not any more, a database. */
export function isDamage(failure: DatabaseFailure): boolean {
  return failure.resultCode === SQLITE.corrupt || failure.resultCode === SQLITE.notADatabase
}

function resultCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
