import { RECORDING_STATES } from '../recording-document.ts'
import type { RecordingQuery } from './catalog.ts'
import { CatalogQueryError } from './errors.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** Where a page ended: the next begins with what is older. Keys instead of offsets, so that new rows shift nothing. */
export interface PageKey {
  readonly requestedAt: string
  readonly id: string
}

export interface CheckedQuery {
  readonly conditions: readonly string[]
  readonly values: readonly string[]
  readonly limit: number
}

/** @throws {CatalogQueryError} */
export function checkQuery(query: RecordingQuery): CheckedQuery {
  const conditions: string[] = []
  const values: string[] = []
  const add = (condition: string, ...given: readonly string[]): void => {
    conditions.push(condition)
    values.push(...given)
  }
  if (query.stream !== undefined) add('stream = ?', query.stream)
  if (query.state !== undefined) {
    if (!RECORDING_STATES.includes(query.state))
      throw new CatalogQueryError('state', RECORDING_STATES.join(', '), query.state)
    add('state = ?', query.state)
  }
  if (query.from !== undefined) add('requested_at >= ?', isoTime('from', query.from))
  if (query.to !== undefined) add('requested_at < ?', isoTime('to', query.to))
  if (query.cursor !== undefined) {
    const { requestedAt, id } = readCursor(query.cursor)
    add('(requested_at, id) < (?, ?)', requestedAt, id)
  }
  const limit = query.limit ?? DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new CatalogQueryError('limit', `a whole number from 1 to ${MAX_LIMIT}`, String(limit))
  }
  return { conditions, values, limit }
}

export function writeCursor({ requestedAt, id }: PageKey): string {
  return Buffer.from(JSON.stringify([requestedAt, id])).toString('base64url')
}

/** @throws {CatalogQueryError} */
export function readCursor(cursor: string): PageKey {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(key) && typeof key[0] === 'string' && typeof key[1] === 'string') {
      return { requestedAt: key[0], id: key[1] }
    }
  } catch {
    // Falls through: text that isn't JSON is as wrong as JSON of another shape.
  }
  throw new CatalogQueryError('cursor', 'the nextCursor of the page before', cursor)
}

/** In the one form in which texts sort as times do. */
function isoTime(field: string, text: string): string {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new CatalogQueryError(field, 'a date and time such as 2026-11-20T06:41:05Z', text)
  return new Date(ms).toISOString()
}
