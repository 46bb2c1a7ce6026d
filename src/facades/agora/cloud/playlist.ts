import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'

const END = '#EXT-X-ENDLIST'

/** Whether nothing follows in a playlist. */
export function isEnded(text: string): boolean {
  return text.endsWith(`${END}\n`)
}

/**
 * The text of a playlist (RFC 8216) over the finished parts of recordings, each of which begins anew.
 * @param isComplete nothing follows
 */
export function playlistText(recordings: readonly RecordingDocument[], isComplete: boolean): string {
  const slices = recordings.map(({ parts }) => parts.filter(({ state }) => state === 'ready'))
  const longestMs = Math.max(0, ...slices.flat().map(({ durationMs }) => durationMs))
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-ALLOW-CACHE:YES',
    // As it is rounded, and never 0.
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(longestMs / 1000))}`,
    ...slices.flatMap((parts) => parts.flatMap((part, index) => sliceLines(part, index === 0))),
    ...(isComplete ? [END] : []),
    '',
  ].join('\n')
}

function sliceLines({ path, durationMs, startedAt, tracks }: PartDocument, isFirst: boolean): string[] {
  const time = startedAt.replaceAll(/\D/g, '')
  const events = tracks.map(({ kind }) => {
    return `#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TRACK_TYPE=${kind.toUpperCase()},TIME=${time}`
  })
  return [
    ...(isFirst ? ['#EXT-X-DISCONTINUITY', ...events] : []),
    `#EXTINF:${(durationMs / 1000).toFixed(6)},`,
    path.slice(path.lastIndexOf('/') + 1),
  ]
}
