import type { PartInspection, PartSummary } from '#containers/container.ts'
import { formatBytes, formatDuration } from './format.ts'

/** What a part holds, a line each. */
export function partText(path: string, part: PartSummary | PartInspection): string[] {
  const lines = [`${path}  ${formatDuration(part.durationMs)}, ${formatBytes(part.bytes)}`]
  for (const track of part.tracks) {
    const span = `${(track.startMs / 1000).toFixed(3)} s to ${(track.endMs / 1000).toFixed(3)} s`
    lines.push(
      `track ${track.trackId}  ${track.codec}  ${track.accessUnits} access units, ${formatBytes(track.payloadBytes)}, ${span}`,
    )
  }
  if (!('finished' in part)) return lines
  lines.push(part.finished ? 'finished' : 'not finished: "tapedeck repair" completes it')
  if (part.tornBytes > 0)
    lines.push(`torn      ${formatBytes(part.tornBytes)} at the end belong to no whole access unit`)
  return lines
}
