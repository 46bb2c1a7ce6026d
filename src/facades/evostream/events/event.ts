import type { ValueMap } from '../stream-value.ts'

/** Everything that is told, by the vendor's names. */
export const EVENT_TYPES = [
  'inStreamCreated',
  'outStreamCreated',
  'inStreamClosed',
  'outStreamClosed',
  'inStreamCodecsUpdated',
  'recordChunkCreated',
  'recordChunkClosed',
  'recordChunkError',
  'pullStreamFailed',
  'timerCreated',
  'timerTriggered',
  'timerClosed',
  'cliRequest',
  'cliResponse',
  'serverStarted',
  'serverStopping',
] as const
/** One of {@link EVENT_TYPES}. */
export type EventType = (typeof EVENT_TYPES)[number]

/** One event as sinks get it: its envelope. */
export interface EvoEvent {
  /** Number of the event since the server's start, from 1. */
  readonly id: number
  readonly type: EventType
  /** Unix seconds. */
  readonly timestamp: number
  readonly processId: number
  readonly payload: ValueMap
}

/** The envelope as one value. */
export function eventValue({ id, type, timestamp, processId, payload }: EvoEvent): ValueMap {
  return { id, payload, processId, timestamp, type }
}

/** `2016-01-31T10:00:00.000`: UTC, whole seconds, as the vendor writes times in events. */
export function eventTime(atMs: number): string {
  return `${new Date(Math.floor(atMs / 1000) * 1000).toISOString().slice(0, 19)}.000`
}
