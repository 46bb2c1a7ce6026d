import { mpeg4HeadersOf } from '#media/mpeg4/headers.ts'
import type { VideoFormat } from '#media/track.ts'
import type { ElementaryFramer } from './elementary-framer.ts'

/** MPEG-4 part 2 as it is, with its headers before every random access point that has none of its own. */
export function mpeg4Framer({ configuration }: VideoFormat): ElementaryFramer {
  return (payload, isRandomAccess, out) => {
    if (isRandomAccess && mpeg4HeadersOf(payload) === undefined) out.add(configuration)
    out.add(payload)
  }
}
