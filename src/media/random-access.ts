import { isAv1RandomAccess } from './av1/random-access.ts'
import { parseAvcC } from './h264/avcc.ts'
import { isH264RandomAccess } from './h264/random-access.ts'
import { parseHvcC } from './h265/hvcc.ts'
import { isH265RandomAccess } from './h265/random-access.ts'
import { isJpeg } from './jpeg/segments.ts'
import { isMpeg4RandomAccess } from './mpeg4/vop.ts'
import type { TrackFormat } from './track.ts'
import { isVp8RandomAccess } from './vp8/frame-tag.ts'
import { isVp9RandomAccess } from './vp9/frame-header.ts'

/**
 * Makes the check whether decoding may start at an access unit of this track, from its bytes alone. For front doors
 * whose protocol doesn't say, and to check those that do. Payloads that aren't of the codec give false.
 * @throws {CodecConfigurationError}
 */
export function randomAccessCheck(format: TrackFormat): (payload: Uint8Array) => boolean {
  if (format.kind === 'audio') return () => true
  switch (format.codec) {
    case 'h264': {
      const { lengthSize } = parseAvcC(format.configuration)
      return (payload) => isH264RandomAccess(payload, lengthSize)
    }
    case 'h265': {
      const { lengthSize } = parseHvcC(format.configuration)
      return (payload) => isH265RandomAccess(payload, lengthSize)
    }
    case 'av1':
      return isAv1RandomAccess
    case 'vp9':
      return isVp9RandomAccess
    case 'vp8':
      return isVp8RandomAccess
    case 'mpeg4':
      return isMpeg4RandomAccess
    case 'jpeg':
      return isJpeg
  }
}
