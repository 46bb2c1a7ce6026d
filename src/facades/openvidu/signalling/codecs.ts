import type { CodecPreference, VideoCodecName } from '#base/webrtc-codecs.ts'
import type { SessionProperties } from '../properties.ts'

type Forcing = Pick<SessionProperties, 'forcedVideoCodec' | 'allowTranscoding'>

const FORCED: Readonly<Record<string, VideoCodecName>> = { VP8: 'vp8', VP9: 'vp9', H264: 'h264' }

/** What the vendor's media server took of an offer: VP8 before all others. spec section 7.10. */
const PREFERRED: readonly VideoCodecName[] = ['vp8', 'h264', 'vp9', 'av1']

/** Codecs to take of a publisher's offer, the best first; undefined: as this server is configured. */
export function codecsOf({ forcedVideoCodec, allowTranscoding }: Forcing): Partial<CodecPreference> | undefined {
  if (forcedVideoCodec === 'NONE') return undefined
  const forced = FORCED[forcedVideoCodec]
  if (forced === undefined) return { video: PREFERRED }
  return { video: allowTranscoding ? [forced, ...PREFERRED.filter((codec) => codec !== forced)] : [forced] }
}

/** A client without that codec is refused. spec section 3.4. */
export function isForced({ forcedVideoCodec, allowTranscoding }: Forcing): boolean {
  return FORCED[forcedVideoCodec] !== undefined && !allowTranscoding
}
