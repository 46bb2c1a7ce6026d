import {
  type GapDocument,
  type LedgerDocument,
  type LedgerTrackDocument,
  type PartDocument,
  receivedUnits,
} from './recording-document.ts'

/**
 * The ledger after a restart: `written` is what the parts hold; whatever was received beyond that and not lost before is
 * lost to the restart. Always notes the restart as a gap, since what was in memory then nobody counted.
 */
export function settleLedger(
  ledger: LedgerDocument,
  parts: readonly PartDocument[],
  when: { readonly endMs: number; readonly nowMs: number },
): LedgerDocument {
  const { endMs, nowMs } = when
  const gap = (track: number, accessUnits: number): GapDocument => {
    return {
      track,
      fromMs: endMs,
      toMs: endMs,
      missingMs: 0,
      accessUnits,
      packets: 0,
      cause: 'restart',
      at: new Date(nowMs).toISOString(),
    }
  }
  const tracks: LedgerTrackDocument[] = []
  const gaps: GapDocument[] = []
  for (const track of withPartTracks(ledger.tracks, parts)) {
    const written = heldBy(parts, track.trackId)
    const received = Math.max(track.received, written + track.lost)
    const lost = received - written
    tracks.push({ ...track, received, written, lost })
    if (lost > track.lost) gaps.push(gap(track.trackId, lost - track.lost))
  }
  if (gaps.length === 0) gaps.push(gap(0, 0))
  return { tracks, gaps: [...ledger.gaps, ...gaps] }
}

/** The ledger's tracks, and those it never heard of before the restart. */
function withPartTracks(
  known: readonly LedgerTrackDocument[],
  parts: readonly PartDocument[],
): readonly LedgerTrackDocument[] {
  const tracks = [...known]
  for (const { trackId, kind, codec, source } of parts.flatMap((part) => part.tracks)) {
    if (tracks.some((track) => track.trackId === trackId)) continue
    const codecs = source === undefined ? { codec } : { codec: source.codec, transcoded: codec }
    tracks.push({ trackId, kind, ...codecs, received: 0, written: 0, lost: 0 })
  }
  return tracks
}

function heldBy(parts: readonly PartDocument[], trackId: number): number {
  let accessUnits = 0
  for (const part of parts) {
    for (const track of part.tracks) if (track.trackId === trackId) accessUnits += receivedUnits(track)
  }
  return accessUnits
}
