import type { RowValues } from '#storage/sqlite/database-file.ts'
import type { Delivery, DeliveryState, HookKind } from '../delivery.ts'
import type { DueDelivery } from './stored.ts'

/** Columns of {@link deliveryFromRow}, of deliveries `d` and their events `e`. */
export const DELIVERY_COLUMNS = `
  d.seq, d.id, d.hook, d.kind, d.state, d.attempts, d.created_ms, d.next_ms, d.ended_ms, d.last_status, d.last_error,
  d.last_ms, e.id AS event_id, e.type AS event_type, e.stream, e.recording`

export function deliveryFromRow(row: RowValues): Delivery {
  const state = text(row, 'state') as DeliveryState
  return {
    id: text(row, 'id'),
    hook: text(row, 'hook'),
    kind: text(row, 'kind') as HookKind,
    eventId: text(row, 'event_id'),
    eventType: text(row, 'event_type'),
    stream: text(row, 'stream'),
    recording: textOrNull(row, 'recording'),
    state,
    attempts: number(row, 'attempts'),
    createdMs: number(row, 'created_ms'),
    nextMs: state === 'pending' ? number(row, 'next_ms') : null,
    endedMs: numberOrNull(row, 'ended_ms'),
    lastStatus: numberOrNull(row, 'last_status'),
    lastError: textOrNull(row, 'last_error'),
    lastDurationMs: numberOrNull(row, 'last_ms'),
  }
}

export function dueFromRow(row: RowValues): DueDelivery {
  return {
    id: text(row, 'id'),
    hook: text(row, 'hook'),
    attempts: number(row, 'attempts'),
    sinceMs: number(row, 'since_ms'),
    eventType: text(row, 'type'),
    stream: text(row, 'stream'),
    recording: textOrNull(row, 'recording'),
    document: text(row, 'document'),
  }
}

export function text(row: RowValues, column: string): string {
  return String(row[column] ?? '')
}

function textOrNull(row: RowValues, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

export function number(row: RowValues, column: string): number {
  return Number(row[column] ?? 0)
}

export function numberOrNull(row: RowValues, column: string): number | null {
  return row[column] === null ? null : number(row, column)
}
