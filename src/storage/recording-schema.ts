import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { CONTAINER_NAMES } from '#containers/container.ts'
import {
  GAP_CAUSES,
  type PartRename,
  type PartTrackDocument,
  RECORDING_STATES,
  type RecordingDocument,
} from './recording-document.ts'

const literals = <Value extends string>(values: readonly Value[]) => Type.Unsafe<Value>({ enum: values })
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const count = Type.Integer({ minimum: 0 })
const milliseconds = Type.Number()
const text = Type.String()

const PartTrack = Type.Object({
  trackId: count,
  kind: literals(['video', 'audio']),
  codec: text,
  codecString: text,
  accessUnits: count,
  payloadBytes: count,
  width: Type.Optional(count),
  height: Type.Optional(count),
  sampleRateHz: Type.Optional(count),
  channels: Type.Optional(count),
  source: Type.Optional(Type.Object({ codec: text, accessUnits: count })),
  filled: Type.Optional(count),
})

const PART_TRACKS_SCHEMA = Type.Array(PartTrack)

const PART_RENAME_SCHEMA = Type.Object({
  to: Type.Optional(text),
  recipe: Type.Optional(text),
  nextRecipe: Type.Optional(text),
})

const Part = Type.Object({
  index: Type.Integer({ minimum: 1 }),
  path: text,
  root: text,
  state: literals(['open', 'ready', 'damaged']),
  startedAt: text,
  sourceStartedAt: orNull(text),
  startMs: milliseconds,
  durationMs: milliseconds,
  bytes: count,
  sha256: orNull(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  tracks: PART_TRACKS_SCHEMA,
  format: Type.Optional(literals(CONTAINER_NAMES)),
  rename: Type.Optional(PART_RENAME_SCHEMA),
})

const LedgerTrack = Type.Object({
  trackId: count,
  kind: literals(['video', 'audio']),
  codec: text,
  transcoded: Type.Optional(text),
  received: count,
  written: count,
  lost: count,
})

const Gap = Type.Object({
  track: count,
  fromMs: milliseconds,
  toMs: milliseconds,
  missingMs: milliseconds,
  accessUnits: count,
  packets: count,
  cause: literals(GAP_CAUSES),
  at: text,
})

/** A RecordingDocument as it is read back from disk, where anyone may have changed it. */
const RECORDING_SCHEMA = Type.Object({
  id: Type.String({ pattern: '^[0-9A-Za-z_-]{1,64}$' }),
  node: text,
  stream: text,
  state: literals(RECORDING_STATES),
  format: literals(CONTAINER_NAMES),
  rule: orNull(text),
  startedAt: orNull(text),
  endedAt: orNull(text),
  requestedAt: text,
  durationMs: milliseconds,
  bytes: count,
  parts: Type.Array(Part),
  ledger: Type.Object({ tracks: Type.Array(LedgerTrack), gaps: Type.Array(Gap) }),
  metadata: Type.Record(Type.String(), Type.String()),
  held: Type.Boolean(),
  error: orNull(Type.Object({ code: text, message: text })),
  clockDriftPpm: Type.Optional(Type.Number()),
})

/** Reads a recording from JSON of unknown origin; a text instead says the first thing wrong with it. */
export function readRecording(value: unknown): RecordingDocument | string {
  // The return type is also the check that schema and interface agree.
  if (Value.Check(RECORDING_SCHEMA, value)) return value
  const [first] = Value.Errors(RECORDING_SCHEMA, value)
  return first === undefined ? 'is no recording' : `${first.instancePath || 'recording'} ${first.message}`
}

/** Reads what a part is to be called; undefined when it is damaged: then it keeps the name it has. */
export function readPartRename(value: unknown): PartRename | undefined {
  return Value.Check(PART_RENAME_SCHEMA, value) ? value : undefined
}

/** Reads the tracks of a part from the catalog; undefined when they are damaged. */
export function readPartTracks(value: unknown): readonly PartTrackDocument[] | undefined {
  return Value.Check(PART_TRACKS_SCHEMA, value) ? value : undefined
}
