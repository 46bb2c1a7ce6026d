import { TapedeckError } from '#base/error.ts'

/** Another process has the catalog open. Two servers on one data folder would finish each other's open parts. */
export class CatalogInUseError extends TapedeckError {
  readonly code = 'catalog/in-use'
  readonly origin = 'operator'
  readonly path: string
  constructor(path: string, cause?: unknown) {
    super(`${path} is in use by another server: stop it, or give this one a data folder of its own`, { cause })
    this.path = path
  }
}

/** The catalog was written by a newer Tapedeck. Nothing was changed. */
export class CatalogTooNewError extends TapedeckError {
  readonly code = 'catalog/too-new'
  readonly origin = 'operator'
  readonly path: string
  readonly version: number
  readonly newestKnown: number
  constructor(path: string, version: number, newestKnown: number) {
    super(
      `${path} has schema version ${version}, this Tapedeck knows up to ${newestKnown}: run the newer one, or move the ` +
        'file away to have it rebuilt from the manifests',
    )
    this.path = path
    this.version = version
    this.newestKnown = newestKnown
  }
}

/** The database file is not readable as one. It is moved aside and a new one is filled from the manifests. */
export class CatalogDamagedError extends TapedeckError {
  readonly code = 'catalog/damaged'
  readonly origin = 'storage'
  readonly path: string
  constructor(path: string, cause?: unknown) {
    super(`${path} is damaged: it is moved aside and rebuilt from the manifests`, { cause })
    this.path = path
  }
}

/** The database refused an operation for a reason of its own. */
export class CatalogError extends TapedeckError {
  readonly code = 'catalog/failed'
  readonly origin = 'storage'
  readonly path: string
  constructor(path: string, reason: string, cause?: unknown) {
    super(`the catalog ${path} failed (${reason}): check its disk and the log`, { cause })
    this.path = path
  }
}

/** Closed, or its thread has ended. */
export class CatalogClosedError extends TapedeckError {
  readonly code = 'catalog/closed'
  readonly origin = 'internal'
  constructor() {
    super('the catalog is closed; please report this with the log')
  }
}

/** A query that can't be answered: a limit out of range, no date, a cursor that we didn't give out. */
export class CatalogQueryError extends TapedeckError {
  readonly code = 'catalog/query-invalid'
  readonly origin = 'client'
  readonly field: string
  readonly found: string
  constructor(field: string, expected: string, found: string) {
    super(`${field} is ${JSON.stringify(found)}: give ${expected}`)
    this.field = field
    this.found = found
  }
}
