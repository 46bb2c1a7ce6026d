import type { TrackFormat } from '#media/track.ts'

/** As this vendor writes codecs, at most four characters of which fit a name. Others are written in capitals. */
const NAMES: Readonly<Record<string, string>> = { opus: 'opus', vp8: 'VP8', vp9: 'VP9', h264: 'H264', aac: 'AAC' }

/** The codec of the first track of a kind; empty when there is none. */
export function codecName(formats: Iterable<TrackFormat>, kind: TrackFormat['kind']): string {
  for (const format of formats) {
    if (format.kind === kind) return NAMES[format.codec] ?? format.codec.toUpperCase()
  }
  return ''
}
