import type { CatalogDatabase } from './database.ts'
import type { CatalogFailure } from './sqlite-codes.ts'

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
export type CatalogMethod = (typeof CATALOG_METHODS)[number]

export interface CatalogCall {
  readonly method: CatalogMethod
  readonly args: readonly unknown[]
}

export interface CatalogWorkerData {
  readonly path: string
  /** For the name of a damaged file, `20261120T064105Z`. */
  readonly stamp: string
}

/** To the thread: calls to make in one transaction, or the end. */
export type ToCatalog =
  | { readonly kind: 'batch'; readonly stamp: string; readonly calls: readonly CatalogCall[] }
  | { readonly kind: 'close' }

export type CatalogOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: CatalogFailure }

/** From the thread: first `opened` or `refused`, then one `results` per batch, in order. */
export type FromCatalog =
  | { readonly kind: 'opened'; readonly isNew: boolean; readonly damagedMovedTo: string | undefined }
  | { readonly kind: 'refused'; readonly failure: CatalogFailure }
  | {
      readonly kind: 'results'
      readonly outcomes: readonly CatalogOutcome[]
      readonly damagedMovedTo: string | undefined
    }
