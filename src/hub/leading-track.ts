import type { TrackFormat } from '#media/track.ts'

/** The first video track, else the first track: its random access points begin files and parts. 0: no track. */
export function leadingTrackId(formats: Iterable<TrackFormat>): number {
  let firstId = 0
  for (const format of formats) {
    if (format.kind === 'video') return format.trackId
    if (firstId === 0) firstId = format.trackId
  }
  return firstId
}
