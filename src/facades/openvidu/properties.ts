import type { ForcedCodec, IceServer } from './configuration/settings.ts'
import type { OutputMode, RecordingLayout } from './recording/recording-facts.ts'

/** Options of a session as they come by REST, with the vendor's defaults filled in. spec section 3.4. */
export interface SessionProperties {
  /** Empty: none was given. */
  readonly customSessionId: string
  readonly mediaMode: 'ROUTED' | 'RELAYED'
  readonly recordingMode: 'ALWAYS' | 'MANUAL'
  readonly defaultRecordingProperties: RecordingProperties
  readonly forcedVideoCodec: ForcedCodec
  readonly allowTranscoding: boolean
}

/** The vendor's roles. */
export const VENDOR_ROLES = ['SUBSCRIBER', 'PUBLISHER', 'MODERATOR'] as const
/** One of {@link VENDOR_ROLES}. */
export type VendorRole = (typeof VENDOR_ROLES)[number]

/** How a session is to be recorded. spec section 3.6. */
export interface RecordingProperties {
  readonly name: string
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  readonly outputMode: OutputMode
  readonly recordingLayout: RecordingLayout
  readonly customLayout: string
  /** `1280x720`. */
  readonly resolution: string
  readonly frameRate: number
  readonly shmSize: number
  readonly ignoreFailedStreams: boolean
}

/** Options of a connection. spec section 3.5. */
export interface ConnectionProperties {
  readonly role: VendorRole
  /** The server's part of the connection's data. */
  readonly data: string
  /** False: what it publishes is left out of individual recordings. */
  readonly record: boolean
  readonly kurentoOptions: KurentoOptions | null
  readonly customIceServers: readonly IceServer[]
  /** Undefined: a client will come, and not a camera be fetched. */
  readonly camera?: CameraProperties
}

/** An IP camera; its address and what is said of how to fetch it, of which nothing is needed here. spec section 3.5. */
export interface CameraProperties {
  /** May hold credentials. */
  readonly rtspUri: string
  readonly adaptativeBitrate: boolean
  readonly onlyPlayWithSubscribers: boolean
  /** Milliseconds. */
  readonly networkCache: number
}

/** Bandwidths in kbit/s; the rest is kept as it came, for whoever asks. */
export interface KurentoOptions {
  readonly videoMaxRecvBandwidth?: number
  readonly [more: string]: unknown
}

/** What a participant publishes, as others are told of it. spec section 7.6. */
export interface PublishedStream {
  readonly id: string
  /** Milliseconds since 1970 UTC. */
  readonly createdAt: number
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  audioActive: boolean
  videoActive: boolean
  /** Undefined: there are no pictures. */
  readonly typeOfVideo: string | undefined
  /** Null: unknown. */
  readonly frameRate: number | null
  /** JSON text; undefined: there are no pictures. */
  videoDimensions: string | undefined
}
