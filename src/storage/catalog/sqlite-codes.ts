import { StorageDeniedError, StorageFullError } from '../errors.ts'
import { CatalogDamagedError, CatalogError, CatalogInUseError, CatalogTooNewError } from './errors.ts'

/** Primary result codes, https://www.sqlite.org/rescode.html (extended codes have them in the low byte). */
const PRIMARY = {
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

/** An error as it crosses from the catalog's thread. */
export interface CatalogFailure {
  readonly message: string
  /** SQLite's result code; undefined when SQLite wasn't the one to complain. */
  readonly resultCode: number | undefined
  /** Our own refusal of a file from the future. */
  readonly tooNew: { readonly version: number; readonly newestKnown: number } | undefined
}

/** What is known of an error, in a form that can be sent to another thread. */
export function describeFailure(error: unknown): CatalogFailure {
  const tooNew =
    error instanceof CatalogTooNewError ? { version: error.version, newestKnown: error.newestKnown } : undefined
  const resultCode = error instanceof CatalogDamagedError ? PRIMARY.corrupt : resultCodeOf(error)
  return { message: error instanceof Error ? error.message : String(error), resultCode, tooNew }
}

/** The file is not, or not any more, a database. */
export function isDamage(failure: CatalogFailure): boolean {
  return failure.resultCode === PRIMARY.corrupt || failure.resultCode === PRIMARY.notADatabase
}

/** The typed error of a failure. */
export function catalogErrorFrom(failure: CatalogFailure, path: string): Error {
  const cause = new Error(failure.message)
  if (failure.tooNew !== undefined)
    return new CatalogTooNewError(path, failure.tooNew.version, failure.tooNew.newestKnown)
  switch (failure.resultCode) {
    case PRIMARY.busy:
    case PRIMARY.locked:
      return new CatalogInUseError(path, cause)
    case PRIMARY.full:
      return new StorageFullError(path, cause)
    case PRIMARY.perm:
    case PRIMARY.readOnly:
    case PRIMARY.cannotOpen:
      return new StorageDeniedError(path, cause)
    case PRIMARY.corrupt:
    case PRIMARY.notADatabase:
      return new CatalogDamagedError(path, cause)
    default:
      return new CatalogError(path, failure.message, cause)
  }
}

function resultCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
