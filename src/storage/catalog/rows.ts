import { DAMAGED_POLICIES, PULL_TRANSPORTS } from '#base/pull-options.ts'
import { CONTAINER_NAMES } from '#containers/container.ts'
import {
  GAP_CAUSES,
  type GapDocument,
  type LedgerTrackDocument,
  type PartDocument,
  RECORDING_STATES,
  type RecordingDocument,
} from '../recording-document.ts'
import { readPartRename, readPartTracks } from '../recording-schema.ts'
import { type PullRow, RULE_RECORDS, type RuleRow } from './catalog.ts'
import { CatalogDamagedError } from './errors.ts'
import type { Row } from './row.ts'

/** What the rows of one recording's other tables give. */
export interface RecordingChildren {
  readonly parts: readonly PartDocument[]
  readonly tracks: readonly LedgerTrackDocument[]
  readonly gaps: readonly GapDocument[]
}

export function recordingFromRow(row: Row, { parts, tracks, gaps }: RecordingChildren): RecordingDocument {
  const errorCode = row.textOrNull('error_code')
  const clockDriftPpm = row.numberOrNull('clock_drift_ppm')
  return {
    id: row.text('id'),
    node: row.text('node'),
    stream: row.text('stream'),
    state: row.oneOf('state', RECORDING_STATES),
    format: row.oneOf('format', CONTAINER_NAMES),
    rule: row.textOrNull('rule'),
    startedAt: row.textOrNull('started_at'),
    endedAt: row.textOrNull('ended_at'),
    requestedAt: row.text('requested_at'),
    durationMs: row.number('duration_ms'),
    bytes: row.number('bytes'),
    parts,
    ledger: { tracks, gaps },
    metadata: metadataFrom(row.json('metadata')),
    held: row.boolean('held'),
    error: errorCode === null ? null : { code: errorCode, message: row.text('error_message') },
    ...(clockDriftPpm !== null && { clockDriftPpm }),
  }
}

export function partFromRow(row: Row): PartDocument {
  const tracks = readPartTracks(row.json('tracks'))
  if (tracks === undefined) throw new CatalogDamagedError('column tracks')
  const rename = row.textOrNull('renaming') === null ? undefined : readPartRename(row.json('renaming'))
  return {
    index: row.number('part'),
    path: row.text('path'),
    root: row.text('root'),
    state: row.oneOf('state', ['open', 'ready', 'damaged']),
    startedAt: row.text('started_at'),
    sourceStartedAt: row.textOrNull('source_started_at'),
    startMs: row.number('start_ms'),
    durationMs: row.number('duration_ms'),
    bytes: row.number('bytes'),
    sha256: row.textOrNull('sha256'),
    tracks,
    ...(row.textOrNull('format') !== null && { format: row.oneOf('format', CONTAINER_NAMES) }),
    ...(rename !== undefined && { rename }),
  }
}

export function ledgerTrackFromRow(row: Row): LedgerTrackDocument {
  const transcoded = row.textOrNull('transcoded')
  return {
    trackId: row.number('track'),
    kind: row.oneOf('kind', ['video', 'audio']),
    codec: row.text('codec'),
    ...(transcoded !== null && { transcoded }),
    received: row.number('received'),
    written: row.number('written'),
    lost: row.number('lost'),
  }
}

export function gapFromRow(row: Row): GapDocument {
  return {
    track: row.number('track'),
    fromMs: row.number('from_ms'),
    toMs: row.number('to_ms'),
    missingMs: row.number('missing_ms'),
    accessUnits: row.number('access_units'),
    packets: row.number('packets'),
    cause: row.oneOf('cause', GAP_CAUSES),
    at: row.text('at'),
  }
}

export function ruleFromRow(row: Row): RuleRow {
  const request = row.json('request')
  if (typeof request !== 'object' || request === null) throw new CatalogDamagedError('column request')
  return {
    id: row.text('id'),
    match: row.text('match'),
    request: { ...request },
    enabled: row.boolean('enabled'),
    priority: row.number('priority'),
    record: row.oneOf('record', RULE_RECORDS),
    additional: row.boolean('additional'),
    once: row.boolean('once'),
    metadata: metadataFrom(row.json('metadata')),
    origin: row.oneOf('origin', ['config', 'api']),
  }
}

/** A pull as it was saved. */
export function pullFromRow(row: Row): PullRow {
  return {
    id: row.text('id'),
    node: row.text('node'),
    path: row.text('path'),
    url: row.text('url'),
    keepAlive: row.boolean('keep_alive'),
    verifyTls: row.boolean('verify_tls'),
    transport: row.oneOf('transport', PULL_TRANSPORTS),
    damaged: row.oneOf('damaged', DAMAGED_POLICIES),
    metadata: metadataFrom(row.json('metadata')),
    origin: 'api',
  }
}

function metadataFrom(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) throw new CatalogDamagedError('column metadata')
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)]))
}
