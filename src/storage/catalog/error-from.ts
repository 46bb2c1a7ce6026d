import { StorageDeniedError, StorageFullError } from '../errors.ts'
import { type DatabaseFailure, SQLITE } from '../sqlite/failure.ts'
import { CatalogDamagedError, CatalogError, CatalogInUseError, CatalogTooNewError } from './errors.ts'

/** The typed error of a failure. */
export function catalogErrorFrom(failure: DatabaseFailure, path: string): Error {
  const cause = new Error(failure.message)
  if (failure.tooNew !== undefined)
    return new CatalogTooNewError(path, failure.tooNew.version, failure.tooNew.newestKnown)
  switch (failure.resultCode) {
    case SQLITE.busy:
    case SQLITE.locked:
      return new CatalogInUseError(path, cause)
    case SQLITE.full:
      return new StorageFullError(path, cause)
    case SQLITE.perm:
    case SQLITE.readOnly:
    case SQLITE.cannotOpen:
      return new StorageDeniedError(path, cause)
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return new CatalogDamagedError(path, cause)
    default:
      return new CatalogError(path, failure.message, cause)
  }
}
