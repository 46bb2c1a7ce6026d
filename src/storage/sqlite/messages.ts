import type { DatabaseFailure } from './failure.ts'

/** A method of the database, called by name in its thread. */
export interface DatabaseCall {
  readonly method: string
  readonly args: readonly unknown[]
}

/** What a thread is started with. */
export interface DatabaseWorkerData<Options = undefined> {
  readonly path: string
  /** For the name of a damaged file, `20261120T064105Z`. */
  readonly stamp: string
  readonly options: Options
}

/** To the thread: calls to make in one transaction, or the end. */
export type ToDatabase =
  | { readonly kind: 'batch'; readonly stamp: string; readonly calls: readonly DatabaseCall[] }
  | { readonly kind: 'close' }

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: DatabaseFailure }

/** From the thread: first `opened` or `refused`, then one `results` per batch, in order. */
export type FromDatabase =
  | { readonly kind: 'opened'; readonly isNew: boolean; readonly damagedMovedTo: string | undefined }
  | { readonly kind: 'refused'; readonly failure: DatabaseFailure }
  | {
      readonly kind: 'results'
      readonly outcomes: readonly CallOutcome[]
      readonly damagedMovedTo: string | undefined
    }
