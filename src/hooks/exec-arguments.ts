import { join } from 'node:path'
import type { ScriptJob } from '#control/scripts.ts'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import type { DueDelivery } from './outbox/stored.ts'

/** The parts of an event's document that concern scripts. */
interface EventDocument {
  readonly type: string
  readonly data: { readonly recording?: RecordingDocument; readonly part?: PartDocument }
}

/** One variable of the environment holds 128 KiB at most (MAX_ARG_STRLEN of Linux), its name included. */
const MAX_VARIABLE_BYTES = 120_000

/** What a script is called with, besides its executable. */
export type ExecArguments = Required<Pick<ScriptJob, 'args' | 'input' | 'environment' | 'workingDirectory'>>

/**
 * Elements: {path} of the stream, {app} and {stream} (all but its last component, and the last), {file} (absolute),
 * {recording}, {part}, {format}, {event}. What an event does not have is empty.
 * @param root working directory when the event has no file
 */
export function execArguments(templates: readonly string[], delivery: DueDelivery, root: string): ExecArguments {
  const document = JSON.parse(delivery.document) as EventDocument
  const { recording } = document.data
  // Of a recording as a whole: its last file.
  const part = document.data.part ?? recording?.parts.at(-1)
  const file = part === undefined || part.path === '' ? '' : join(part.root, part.path)
  const slash = delivery.stream.lastIndexOf('/')
  const elements: Readonly<Record<string, string>> = {
    path: delivery.stream,
    app: slash < 0 ? '' : delivery.stream.slice(0, slash),
    stream: delivery.stream.slice(slash + 1),
    file,
    recording: recording?.id ?? '',
    part: part === undefined ? '' : String(part.index),
    format: recording?.format ?? '',
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
      ...eventVariable(document, delivery.document),
    },
  }
}

/** The document, shortened to what a variable can hold: standard input always has all of it. */
function eventVariable(document: EventDocument, whole: string): Record<string, string> {
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
