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

/** How the outbox's thread opens its file. */
export interface OutboxSettings {
  readonly limits: OutboxLimits
  /** A power cut loses nothing that was stored, at the price of a disk flush each time. */
  readonly isPowerSafe: boolean
}
