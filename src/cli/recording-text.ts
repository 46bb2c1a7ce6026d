import { join } from 'node:path'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { formatBytes, formatDuration, formatTable } from './format.ts'

/** What is missing, in words: `complete`, or `2 gaps, 31 access units lost`. */
export function describeLedger({ ledger }: RecordingDocument): string {
  const lost = ledger.tracks.reduce((sum, track) => sum + track.lost, 0)
  if (ledger.gaps.length === 0 && lost === 0) return 'complete'
  const gaps = ledger.gaps.length === 1 ? '1 gap' : `${ledger.gaps.length} gaps`
  return `${gaps}, ${lost} access units lost`
}

/** A line per recording. */
export function recordingTable(recordings: readonly RecordingDocument[]): string[] {
  const rows = recordings.map((recording) => [
    recording.id,
    recording.state,
    recording.stream,
    recording.startedAt ?? '-',
    formatDuration(recording.durationMs),
    formatBytes(recording.bytes),
    describeLedger(recording),
  ])
  return formatTable(['ID', 'STATE', 'STREAM', 'STARTED', 'LENGTH', 'SIZE', 'LEDGER'], rows)
}

/** All about one recording. */
export function recordingText(recording: RecordingDocument): string[] {
  const lines = [
    `${recording.id}  ${recording.state}`,
    `stream    ${recording.stream}`,
    `started   ${recording.startedAt ?? '-'}`,
    `ended     ${recording.endedAt ?? '-'}`,
    `length    ${formatDuration(recording.durationMs)}, ${formatBytes(recording.bytes)}`,
    `ledger    ${describeLedger(recording)}`,
  ]
  for (const [name, value] of Object.entries(recording.metadata)) lines.push(`metadata  ${name}=${value}`)
  if (recording.held) lines.push('held      never deleted')
  if (recording.error !== null) lines.push(`error     ${recording.error.message} (${recording.error.code})`)
  for (const part of recording.parts) {
    const codecs = part.tracks.map((track) => track.codecString).join(', ')
    const size = `${formatDuration(part.durationMs)}, ${formatBytes(part.bytes)}`
    lines.push(`part ${part.index}    ${join(part.root, part.path)}  ${part.state}, ${size}, ${codecs}`)
  }
  for (const gap of recording.ledger.gaps) {
    const track = gap.track === 0 ? 'all tracks' : `track ${gap.track}`
    const span = `${formatDuration(gap.fromMs)} to ${formatDuration(gap.toMs)}`
    const missing = gap.missingMs > 0 ? `, ${(gap.missingMs / 1000).toFixed(1)} s missing` : ''
    lines.push(`gap       ${span}, ${track}, ${gap.cause}, ${gap.accessUnits} access units${missing}`)
  }
  return lines
}
