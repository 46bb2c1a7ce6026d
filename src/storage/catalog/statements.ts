/**
 * Every statement with a fixed text. Saves replace a row only where it differs: a recording of many parts is saved
 * often, and only its last part changes.
 */
export const STATEMENTS = {
  saveRecording: upsert(
    'recordings',
    ['id'],
    [
      'node',
      'stream',
      'state',
      'format',
      'rule',
      'requested_at',
      'started_at',
      'ended_at',
      'duration_ms',
      'bytes',
      'metadata',
      'held',
      'error_code',
      'error_message',
      'clock_drift_ppm',
    ],
  ),
  savePart: upsert(
    'parts',
    ['recording', 'part'],
    [
      'root',
      'path',
      'state',
      'started_at',
      'source_started_at',
      'start_ms',
      'duration_ms',
      'bytes',
      'sha256',
      'tracks',
      'renaming',
      'format',
    ],
  ),
  saveTrack: upsert(
    'tracks',
    ['recording', 'position'],
    ['track', 'kind', 'codec', 'transcoded', 'received', 'written', 'lost'],
  ),
  saveGap: upsert(
    'gaps',
    ['recording', 'position'],
    ['track', 'from_ms', 'to_ms', 'missing_ms', 'access_units', 'packets', 'cause', 'at'],
  ),
  trimParts: 'DELETE FROM parts WHERE recording = ? AND part NOT IN (SELECT value FROM json_each(?))',
  trimTracks: 'DELETE FROM tracks WHERE recording = ? AND position >= ?',
  trimGaps: 'DELETE FROM gaps WHERE recording = ? AND position >= ?',
  removeRecording: 'DELETE FROM recordings WHERE id = ?',

  getRecording: 'SELECT * FROM recordings WHERE id = ?',
  getPart: 'SELECT * FROM parts WHERE recording = ? AND part = ?',
  partsOf: 'SELECT * FROM parts WHERE recording = ? ORDER BY part',
  tracksOf: 'SELECT * FROM tracks WHERE recording = ? ORDER BY position',
  gapsOf: 'SELECT * FROM gaps WHERE recording = ? ORDER BY position',
  unfinished: `
    SELECT * FROM recordings WHERE state IN ('waiting', 'recording', 'finishing') AND node = ?
    ORDER BY requested_at DESC, id DESC`,
  undigested: `
    SELECT p.recording, p.part, p.root, p.path FROM parts p INDEXED BY parts_undigested
      JOIN recordings r ON r.id = p.recording
    WHERE p.state = 'ready' AND p.sha256 IS NULL AND p.file_gone = 0 AND (p.recording, p.part) > (?, ?)
      AND r.state = 'ready' AND r.node = ?
    ORDER BY p.recording, p.part LIMIT ?`,
  noteFileGone: 'UPDATE parts SET file_gone = 1 WHERE recording = ? AND part = ? AND sha256 IS NULL',
  renaming: `
    SELECT * FROM recordings WHERE node = ? AND id IN (SELECT recording FROM parts WHERE renaming IS NOT NULL)
    ORDER BY requested_at DESC, id DESC`,
  oldest: `
    SELECT * FROM recordings WHERE state = 'ready' AND held = 0 ORDER BY ended_at, id LIMIT ?`,
  findByPart: `
    SELECT * FROM recordings WHERE id IN (SELECT recording FROM parts WHERE root = ? AND path = ?)
    ORDER BY requested_at DESC, id DESC`,
  totals: `
    SELECT count(*) AS recordings, (SELECT count(*) FROM parts) AS parts, coalesce(sum(bytes), 0) AS bytes FROM recordings`,
  paths: 'SELECT root, path FROM parts',

  saveRule: upsert(
    'rules',
    ['id'],
    ['match', 'request', 'enabled', 'priority', 'record', 'additional', 'once', 'metadata', 'origin'],
  ),
  removeRule: 'DELETE FROM rules WHERE id = ?',
  rules: 'SELECT * FROM rules ORDER BY priority DESC, id',

  savePull: upsert(
    'pulls',
    ['id'],
    ['node', 'path', 'url', 'keep_alive', 'verify_tls', 'transport', 'damaged', 'metadata'],
  ),
  removePull: 'DELETE FROM pulls WHERE id = ?',
  pulls: 'SELECT * FROM pulls WHERE node = ? ORDER BY id',
} as const
export type StatementName = keyof typeof STATEMENTS

/** Inserts a row, or updates what differs in the one with the same key. Values in the order keys, columns. */
function upsert(table: string, keys: readonly string[], columns: readonly string[]): string {
  const names = [...keys, ...columns]
  const changes = columns.map((column) => `${column} = excluded.${column}`).join(', ')
  const differs = columns.map((column) => `${table}.${column} IS NOT excluded.${column}`).join(' OR ')
  return `
    INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${changes} WHERE ${differs}`
}
