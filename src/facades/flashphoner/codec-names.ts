import { AUDIO_CODECS, type Codec, VIDEO_CODECS } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'

/** As this vendor writes codecs, at most four characters of which fit a name: in capitals, with one exception. */
export const CODEC_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  [...VIDEO_CODECS, ...AUDIO_CODECS].map((codec: Codec) => [codec, codec === 'opus' ? 'opus' : codec.toUpperCase()]),
)

/** The codec of the first track of a kind; empty when there is none. */
export function codecName(formats: Iterable<TrackFormat>, kind: TrackFormat['kind']): string {
  for (const format of formats) {
    if (format.kind === kind) return CODEC_NAMES[format.codec] ?? format.codec
  }
  return ''
}
