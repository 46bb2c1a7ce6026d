import type { OutboxDatabase, OutboxLimits } from './database.ts'

/** What may be asked of the outbox's thread: the database's own methods. */
export const OUTBOX_METHODS = [
  'begin',
  'store',
  'due',
  'settle',
  'hasten',
  'replay',
  'get',
  'list',
  'counts',
  'told',
  'noteRemoval',
  'forgetRemovals',
  'prune',
] as const satisfies readonly (keyof OutboxDatabase)[]
export type OutboxMethod = (typeof OUTBOX_METHODS)[number]

export interface OutboxCall {
  readonly method: OutboxMethod
  readonly args: readonly unknown[]
}

export interface OutboxWorkerData {
  readonly path: string
  readonly limits: OutboxLimits
  readonly isPowerSafe: boolean
  /** For the name of a damaged file, `20261120T064105Z`. */
  readonly stamp: string
}

/** To the thread: calls to make in one transaction, or the end. */
export type ToOutbox = { readonly kind: 'batch'; readonly calls: readonly OutboxCall[] } | { readonly kind: 'close' }

export type OutboxOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: OutboxFailure }

/** An error as it crosses from the thread. */
export interface OutboxFailure {
  readonly message: string
  readonly tooNew?: { readonly version: number; readonly newestKnown: number }
}

/** From the thread: first `opened` or `refused`, then one `results` per batch, in order. */
export type FromOutbox =
  | { readonly kind: 'opened'; readonly damagedMovedTo: string | undefined }
  | { readonly kind: 'refused'; readonly failure: OutboxFailure }
  | { readonly kind: 'results'; readonly outcomes: readonly OutboxOutcome[] }
