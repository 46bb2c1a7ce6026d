import { dac3FromSyncframe } from './ac3/ac3-syncframe.ts'
import { dec3FromAccessUnit } from './ac3/dec3-from-access-unit.ts'
import { parseMp3FrameHeader } from './mp3/frame-header.ts'
import type { ColorInfo } from './track.ts'
import { vp8FromKeyFrame } from './vp8/from-key-frame.ts'
import { vp9FromKeyFrame } from './vp9/from-key-frame.ts'

/** Codecs whose publishers may send no configuration record, because each access unit (or key frame) describes itself. */
export type SelfDescribingCodec = 'vp8' | 'vp9' | 'mp3' | 'ac3' | 'eac3'

/** Whether access units of the codec describe themselves. */
export function isSelfDescribing(codec: string): codec is SelfDescribingCodec {
  return codec === 'vp8' || codec === 'vp9' || codec === 'mp3' || codec === 'ac3' || codec === 'eac3'
}

/** Fields to spread into a VideoFormatInit or AudioFormatInit. */
export interface InBandDescription {
  readonly configuration: Uint8Array
  readonly widthPixels?: number
  readonly heightPixels?: number
  readonly color?: ColorInfo
  readonly sampleRateHz?: number
  readonly channels?: number
}

/**
 * What the first access unit (VP8, VP9: a key frame) tells about its track: the configuration record and, where that
 * has no room for them, size or rate.
 * @throws {BitstreamError} damaged, or not a key frame
 */
export function describeInBand(codec: SelfDescribingCodec, payload: Uint8Array, frameRateHint = 0): InBandDescription {
  switch (codec) {
    case 'vp8':
      return vp8FromKeyFrame(payload)
    case 'vp9':
      return vp9FromKeyFrame(payload, frameRateHint)
    case 'mp3': {
      const { sampleRateHz, channels } = parseMp3FrameHeader(payload)
      return { configuration: new Uint8Array(0), sampleRateHz, channels }
    }
    case 'ac3':
      return { configuration: dac3FromSyncframe(payload) }
    case 'eac3':
      return { configuration: dec3FromAccessUnit(payload) }
  }
}
