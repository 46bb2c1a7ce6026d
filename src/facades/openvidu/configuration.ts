import type { ValuesOf } from '#config/key.ts'
import type { OPENVIDU } from './declaration.ts'

/** What the configuration file says of this facade. */
export type Settings = ValuesOf<typeof OPENVIDU.keys>

/** The vendor's properties as they count. spec section 1. */
export interface Configuration {
  readonly compat: 'classic' | 'modern'
  readonly secret: string
  readonly recording: {
    /** Off: nothing is recorded, and every call about recordings answers 501. */
    readonly isOn: boolean
    /** Who is told of recordings. */
    readonly notification: 'none' | 'moderator' | 'publisher_moderator' | 'all'
    readonly autostopSeconds: number
  }
  readonly forcedVideoCodec: 'MEDIA_SERVER_PREFERRED' | 'NONE' | 'VP8' | 'VP9' | 'H264'
  /** Upper bound of what publishers send of pictures, in kbit/s; 0: that of webrtc.maxBitrate. */
  readonly maxReceiveKbps: number
  /** Sessions nobody comes into are dropped after the threshold; interval 0: never. */
  readonly garbage: { readonly intervalSeconds: number; readonly thresholdSeconds: number }
}

/** The vendor's defaults, and what the facade's own keys say. */
export function readConfiguration({ compat, secret }: Settings): Configuration {
  return {
    compat,
    secret,
    recording: { isOn: false, notification: 'publisher_moderator', autostopSeconds: 120 },
    forcedVideoCodec: 'MEDIA_SERVER_PREFERRED',
    maxReceiveKbps: 0,
    garbage: { intervalSeconds: 900, thresholdSeconds: 3600 },
  }
}
