import type { TrackFormat } from '#media/track.ts'
import { adtsFramer } from './adts-framer.ts'
import { mpeg4Framer } from './mpeg4-framer.ts'
import { nalFramer } from './nal-framer.ts'
import { opusFramer } from './opus-framer.ts'
import type { Segments } from './segments.ts'

/** Adds one access unit's payload to `out` in the form the transport stream wants. Copies nothing. */
export type ElementaryFramer = (payload: Uint8Array, isRandomAccess: boolean, out: Segments) => void

/**
 * The framing of a track's payloads.
 * @throws {CodecUnsupportedError} this particular configuration has no form in MPEG-TS
 */
export function elementaryFramer(format: TrackFormat): ElementaryFramer {
  if (format.kind === 'video') return format.codec === 'mpeg4' ? mpeg4Framer(format) : nalFramer(format)
  switch (format.codec) {
    case 'aac':
      return adtsFramer(format)
    case 'opus':
      return opusFramer(format)
    default:
      return (payload, _isRandomAccess, out) => out.add(payload) // MP3, AC-3 and E-AC-3 carry their own sync words
  }
}
