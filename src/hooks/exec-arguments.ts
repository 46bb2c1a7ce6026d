import { join } from 'node:path'
import type { ScriptCall } from '#control/scripts.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { DueDelivery } from './outbox/stored.ts'

/** The parts of an event's document that concern scripts. */
export interface EventDocument {
  readonly type: string
  readonly data: { readonly recording?: RecordingDocument; readonly part?: PartDocument }
}

/** One variable of the environment holds 128 KiB at most (MAX_ARG_STRLEN of Linux), its name included. */
const MAX_VARIABLE_BYTES = 120_000

/** What a script is called with, besides its executable. */
export type ExecArguments = Required<ScriptCall>

/** An event as it was stored, to be told now. */
export function readEvent({ document }: Pick<DueDelivery, 'document'>): EventDocument {
  return JSON.parse(document) as EventDocument
}

/** The part whose file the event is about; of a recording as a whole its last. Undefined when there is none. */
export function partOf({ data: { recording, part } }: EventDocument): PartDocument | undefined {
  const concerned = part ?? recording?.parts.at(-1)
  // Before its first byte a part has no name.
  return concerned?.path === '' ? undefined : concerned
}

/** The event with the file called as it is now. */
export function withPlace(event: EventDocument, now: Pick<PartDocument, 'index' | 'root' | 'path'>): EventDocument {
  const { recording, part } = event.data
  const place = <Part extends PartDocument>(each: Part): Part =>
    each.index === now.index ? { ...each, root: now.root, path: now.path } : each
  return {
    ...event,
    data: {
      ...event.data,
      ...(recording !== undefined && { recording: { ...recording, parts: recording.parts.map(place) } }),
      ...(part !== undefined && { part: place(part) }),
    },
  }
}

/**
 * Elements: {path} of the stream, {app} and {stream} (all but its last component, and the last), {file} (absolute),
 * {recording}, {part}, {format}, {event}. What an event does not have is empty.
 * @param root working directory when the event has no file
 */
export function execArguments(
  templates: readonly string[],
  delivery: Omit<DueDelivery, 'document'>,
  document: EventDocument,
  root: string,
): ExecArguments {
  const { recording } = document.data
  const part = partOf(document)
  const file = part === undefined ? '' : join(part.root, part.path)
  const slash = delivery.stream.lastIndexOf('/')
  const elements: Readonly<Record<string, string>> = {
    path: delivery.stream,
    app: slash < 0 ? '' : delivery.stream.slice(0, slash),
    stream: delivery.stream.slice(slash + 1),
    file,
    recording: recording?.id ?? '',
    part: part === undefined ? '' : String(part.index),
    format: part?.format ?? recording?.format ?? '',
    event: document.type,
  }
  return {
    args: templates.map((template) => template.replace(/\{(\w+)\}/g, (whole, name) => elements[name] ?? whole)),
    input: document,
    workingDirectory: part?.root ?? root,
    environment: {
      TAPEDECK_EVENT_TYPE: document.type,
      TAPEDECK_STREAM: delivery.stream,
      TAPEDECK_FILE: file,
      TAPEDECK_RECORDING: recording?.id ?? '',
      TAPEDECK_DELIVERY: delivery.id,
      TAPEDECK_ATTEMPT: String(delivery.attempts + 1),
      ...eventVariable(document),
    },
  }
}

/** The document, shortened to what a variable can hold: standard input always has all of it. */
function eventVariable(document: EventDocument): Record<string, string> {
  const whole = JSON.stringify(document)
  if (Buffer.byteLength(whole) <= MAX_VARIABLE_BYTES) return { TAPEDECK_EVENT: whole }
  const { recording, ...rest } = document.data
  const shortened =
    recording === undefined
      ? rest
      : { ...rest, recording: { ...recording, parts: [], ledger: { ...recording.ledger, gaps: [] } } }
  const text = JSON.stringify({ ...document, data: shortened })
  return {
    TAPEDECK_EVENT_SHORTENED: '1',
    ...(Buffer.byteLength(text) <= MAX_VARIABLE_BYTES ? { TAPEDECK_EVENT: text } : {}),
  }
}
