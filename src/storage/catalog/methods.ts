import type { DatabaseRefusals } from '../sqlite/failure.ts'
import type { CatalogDatabase } from './database.ts'
import { CatalogDamagedError, CatalogTooNewError } from './errors.ts'

/** What may be asked of the catalog's thread: the database's own methods. */
export const CATALOG_METHODS = [
  'save',
  'saveChange',
  'get',
  'part',
  'list',
  'unfinished',
  'undigested',
  'noteFileGone',
  'renaming',
  'remove',
  'findByPart',
  'totals',
  'oldest',
  'knownPaths',
  'saveRule',
  'removeRule',
  'rules',
  'savePull',
  'removePull',
  'pulls',
] as const satisfies readonly (keyof CatalogDatabase)[]

/** Errors of the catalog's own that mean more than their message. */
export const CATALOG_REFUSALS: DatabaseRefusals = { tooNew: CatalogTooNewError, damaged: CatalogDamagedError }
