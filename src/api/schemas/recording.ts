import { Type } from 'typebox'
import { CONTAINER_NAMES } from '#containers/container.ts'
import { APPEND_GAPS, AUDIO_CODEC_CHOICES, IF_EXISTS, NUMBERINGS } from '#recorder/request.ts'
import { GAP_CAUSES, RECORDING_STATES } from '#storage/recording-document.ts'
import { listOf, oneOf } from '../validation.ts'

const Closed = { additionalProperties: false } as const
const Nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
const Kind = oneOf(['video', 'audio'])
const Count = (description?: string) =>
  Type.Integer({ minimum: 0, ...(description === undefined ? {} : { description }) })
const Instant = Type.String({ description: 'ISO 8601, UTC' })

/** The caller's own labels: bounded, since they go into every event and manifest. */
export const MetadataSchema = Type.Record(Type.String({ maxLength: 100 }), Type.String({ maxLength: 1_024 }), {
  maxProperties: 64,
})

const REQUEST_FIELDS = {
  format: Type.Optional(
    oneOf(
      ['auto', ...CONTAINER_NAMES],
      "auto: WebM for VP8 or VP9 (unless their sound is MP4's own), else MP4; where that does not carry the codecs, FLV or Matroska",
    ),
  ),
  name: Type.Optional(
    Type.String({ minLength: 1, maxLength: 500, description: 'name template, e.g. {app}/{stream}/{date}-{time}' }),
  ),
  path: Type.Optional(
    Type.String({ minLength: 1, maxLength: 4_096, description: 'the path itself instead of a template' }),
  ),
  extension: Type.Optional(Type.String({ pattern: '^\\.[A-Za-z0-9]{1,8}$', description: 'with its dot' })),
  root: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096, description: 'one of the allowed roots' })),
  numbering: Type.Optional(oneOf(NUMBERINGS, 'how parts and taken names are numbered')),
  nameText: Type.Optional(
    Type.Object(
      {
        exclude: Type.Optional(Type.String({ maxLength: 256, description: 'every character in it is removed' })),
        encoding: Type.Optional(oneOf(['none', 'hex', 'base64url'])),
      },
      Closed,
    ),
  ),
  nameValues: Type.Optional(
    Type.Object(
      {
        stream: Type.Optional(Type.String({ maxLength: 1_024 })),
        sessionId: Type.Optional(Type.String({ maxLength: 1_024 })),
        mediaSessionId: Type.Optional(Type.String({ maxLength: 1_024 })),
        login: Type.Optional(Type.String({ maxLength: 1_024 })),
        codecs: Type.Optional(
          Type.Record(Type.String(), Type.String({ maxLength: 32 }), { description: 'how codecs are written' }),
        ),
      },
      Closed,
    ),
  ),
  ifExists: Type.Optional(oneOf(IF_EXISTS, 'what to do when the file exists')),
  appendGap: Type.Optional(oneOf(APPEND_GAPS, 'append: what becomes of the time between')),
  rotate: Type.Optional(
    Type.Object(
      {
        seconds: Type.Optional(Type.Number({ minimum: 1, maximum: 604_800 })),
        bytes: Type.Optional(Type.Integer({ minimum: 65_536, maximum: Number.MAX_SAFE_INTEGER })),
        at: Type.Optional(Type.String({ maxLength: 200, description: 'cron expression of five or six fields' })),
        cut: Type.Optional(oneOf(['keyframe', 'exact'])),
      },
      Closed,
    ),
  ),
  preRollSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 3_600, description: 'begin this far in the past' })),
  data: Type.Optional(Type.Boolean({ description: 'FLV: record cue points and other data messages' })),
  mp4Compatible32: Type.Optional(Type.Boolean({ description: '32-bit fields in all MP4 headers; 4 GiB at most' })),
  startOn: Type.Optional(oneOf(['keyframe', 'now'])),
  tracks: Type.Optional(
    Type.Object({ audio: Type.Optional(Type.Boolean()), video: Type.Optional(Type.Boolean()) }, Closed),
  ),
  audio: Type.Optional(
    Type.Object(
      {
        codec: Type.Optional(oneOf(AUDIO_CODEC_CHOICES, 'auto: as it came where players know it, else AAC or Opus')),
        sampleRate: Type.Optional(Type.Integer({ minimum: 1, maximum: 96_000, description: 'of AAC, in Hz' })),
      },
      Closed,
    ),
  ),
  maxSeconds: Type.Optional(Type.Number({ minimum: 0.1, maximum: 31_622_400 })),
  waitForStream: Type.Optional(Type.Boolean({ description: 'accept a path nobody publishes yet' })),
  reconnectSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 604_800 })),
  metadata: Type.Optional(MetadataSchema),
}

/** Body of POST /recordings. */
export const RecordingRequestSchema = Type.Object(
  { stream: Type.String({ minLength: 1, maxLength: 1024, description: 'path of the stream' }), ...REQUEST_FIELDS },
  Closed,
)

const { waitForStream: _, ...RULE_REQUEST_FIELDS } = REQUEST_FIELDS

/** What a rule asks for: a recording request without its stream, which rules always wait for. */
export const RuleRequestSchema = Type.Object(RULE_REQUEST_FIELDS, Closed)

export const RecordingPatchSchema = Type.Object(
  { held: Type.Boolean({ description: 'held recordings are never deleted' }) },
  Closed,
)

export const RecordingQuerySchema = Type.Object(
  {
    stream: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    state: Type.Optional(oneOf(RECORDING_STATES)),
    from: Type.Optional(Type.String({ format: 'date-time', description: 'ISO 8601; compared with requestedAt' })),
    to: Type.Optional(Type.String({ format: 'date-time' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 500, description: 'nextCursor of the page before' })),
  },
  Closed,
)

const PartTrackSchema = Type.Object({
  trackId: Count(),
  kind: Kind,
  codec: Type.String(),
  codecString: Type.String({ description: 'RFC 6381' }),
  accessUnits: Count(),
  payloadBytes: Count(),
  width: Type.Optional(Count()),
  height: Type.Optional(Count()),
  sampleRateHz: Type.Optional(Count()),
  channels: Type.Optional(Count()),
  source: Type.Optional(
    Type.Object({ codec: Type.String(), accessUnits: Count() }, { description: 'what it was transcoded from' }),
  ),
  filled: Type.Optional(Count('of silence, where sound was missing')),
})

const PartSchema = Type.Object({
  index: Type.Integer({ minimum: 1 }),
  path: Type.String({ description: 'relative to the root' }),
  root: Type.String(),
  url: Type.String({ description: 'where the file can be fetched' }),
  state: oneOf(['open', 'ready', 'damaged']),
  startedAt: Instant,
  sourceStartedAt: Nullable(Instant),
  startMs: Type.Number(),
  durationMs: Type.Number(),
  bytes: Count(),
  sha256: Nullable(Type.String()),
  tracks: listOf(PartTrackSchema),
  format: Type.Optional(oneOf(CONTAINER_NAMES)),
})

const LedgerSchema = Type.Object({
  tracks: listOf(
    Type.Object({
      trackId: Count(),
      kind: Kind,
      codec: Type.String({ description: 'as received' }),
      transcoded: Type.Optional(Type.String({ description: 'as written, where that is another' })),
      received: Count(),
      written: Count(),
      lost: Count(),
    }),
  ),
  gaps: listOf(
    Type.Object({
      track: Count('0: all tracks'),
      fromMs: Type.Number(),
      toMs: Type.Number(),
      missingMs: Type.Number(),
      accessUnits: Count(),
      packets: Count('that the network lost'),
      cause: oneOf(GAP_CAUSES),
      at: Instant,
    }),
  ),
})

/** A recording as the API gives it: the catalog's document, each part with its URL. */
export const RecordingSchema = Type.Object({
  id: Type.String(),
  node: Type.String(),
  stream: Type.String(),
  state: oneOf(RECORDING_STATES),
  format: oneOf(CONTAINER_NAMES),
  rule: Nullable(Type.String()),
  startedAt: Nullable(Instant),
  endedAt: Nullable(Instant),
  requestedAt: Instant,
  durationMs: Type.Number(),
  bytes: Count(),
  parts: listOf(PartSchema),
  ledger: LedgerSchema,
  metadata: Type.Record(Type.String(), Type.String()),
  held: Type.Boolean(),
  error: Nullable(Type.Object({ code: Type.String(), message: Type.String() })),
  clockDriftPpm: Type.Optional(
    Type.Number({ description: 'so much slower than the server’s the publisher’s clock runs; absent: not known' }),
  ),
})

export const RecordingListSchema = Type.Object({
  recordings: listOf(RecordingSchema),
  nextCursor: Nullable(Type.String({ description: 'null on the last page' })),
})
