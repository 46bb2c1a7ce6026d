/** Options of sessions and connections as they come by REST, with the vendor's defaults filled in. spec section 3. */
export interface SessionProperties {
  readonly customSessionId: string
  readonly mediaMode: 'ROUTED' | 'RELAYED'
  readonly recordingMode: 'ALWAYS' | 'MANUAL'
  readonly defaultRecordingProperties: RecordingProperties
  readonly forcedVideoCodec: 'MEDIA_SERVER_PREFERRED' | 'NONE' | 'VP8' | 'VP9' | 'H264'
  readonly allowTranscoding: boolean
}

/** The vendor's roles. */
export type VendorRole = 'SUBSCRIBER' | 'PUBLISHER' | 'MODERATOR'

/** spec section 3.6. */
export interface RecordingProperties {
  readonly name: string
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  readonly outputMode: 'COMPOSED' | 'INDIVIDUAL' | 'COMPOSED_QUICK_START'
  readonly recordingLayout:
    | 'BEST_FIT'
    | 'CUSTOM'
    | 'PICTURE_IN_PICTURE'
    | 'VERTICAL_PRESENTATION'
    | 'HORIZONTAL_PRESENTATION'
  readonly customLayout: string
  readonly resolution: string
  readonly frameRate: number
  readonly shmSize: number
  readonly ignoreFailedStreams: boolean
}

/** spec section 3.5. */
export interface ConnectionProperties {
  readonly role: VendorRole
  /** The server's part of the connection's data. */
  readonly data: string
  /** False: what it publishes is left out of individual recordings. */
  readonly record: boolean
  readonly kurentoOptions: KurentoOptions | null
  readonly customIceServers: readonly CustomIceServer[]
}

/** Bandwidths in kbit/s; the rest is kept as it came, for whoever asks. */
export interface KurentoOptions {
  readonly videoMaxRecvBandwidth?: number
  readonly [more: string]: unknown
}

/** As clients take it. spec section 7.6. */
export interface CustomIceServer {
  readonly url: string
  readonly username?: string
  readonly credential?: string
}

/** What a participant publishes, as others are told of it. spec section 7.6. */
export interface PublishedStream {
  readonly id: string
  readonly createdAt: number
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  audioActive: boolean
  videoActive: boolean
  /** Undefined: there are no pictures. */
  readonly typeOfVideo: string | undefined
  readonly frameRate: number | null
  /** JSON text; undefined: there are no pictures. */
  videoDimensions: string | undefined
}
