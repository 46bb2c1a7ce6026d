/** One property of the vendor's: the dotted name of 2.0 to 2.12, the environment name of 2.13 and later. */
export interface PropertyNames {
  readonly env: string
  /** Absent: there never was one. */
  readonly dotted?: string
}

/** Everything that is followed. spec sections 0.2, 1.1 and 1.2. */
export const PROPERTIES = {
  compat: { env: 'OPENVIDU_COMPAT', dotted: 'openvidu.compat' },
  recording: { env: 'OPENVIDU_RECORDING', dotted: 'openvidu.recording' },
  recordingPath: { env: 'OPENVIDU_RECORDING_PATH', dotted: 'openvidu.recording.path' },
  publicAccess: { env: 'OPENVIDU_RECORDING_PUBLIC_ACCESS', dotted: 'openvidu.recording.public-access' },
  customLayout: { env: 'OPENVIDU_RECORDING_CUSTOM_LAYOUT', dotted: 'openvidu.recording.custom-layout' },
  notification: { env: 'OPENVIDU_RECORDING_NOTIFICATION', dotted: 'openvidu.recording.notification' },
  autostopTimeout: { env: 'OPENVIDU_RECORDING_AUTOSTOP_TIMEOUT', dotted: 'openvidu.recording.autostop-timeout' },
  composedUrl: { env: 'OPENVIDU_RECORDING_COMPOSED_URL', dotted: 'openvidu.recording.composed-url' },
  composedBasicAuth: { env: 'OPENVIDU_RECORDING_COMPOSED_BASICAUTH' },
  // Ours: the original kept nothing besides.
  keepTracks: { env: 'OPENVIDU_RECORDING_COMPOSED_KEEP_TRACKS', dotted: 'openvidu.recording.composed-keep-tracks' },
  secret: { env: 'OPENVIDU_SECRET', dotted: 'openvidu.secret' },
  port: { env: 'HTTPS_PORT', dotted: 'server.port' },
  publicUrl: { env: 'DOMAIN_OR_PUBLIC_IP', dotted: 'openvidu.publicurl' },
  cdr: { env: 'OPENVIDU_CDR', dotted: 'openvidu.cdr' },
  cdrPath: { env: 'OPENVIDU_CDR_PATH', dotted: 'openvidu.cdr.path' },
  webhook: { env: 'OPENVIDU_WEBHOOK', dotted: 'openvidu.webhook' },
  webhookEndpoint: { env: 'OPENVIDU_WEBHOOK_ENDPOINT', dotted: 'openvidu.webhook.endpoint' },
  webhookHeaders: { env: 'OPENVIDU_WEBHOOK_HEADERS', dotted: 'openvidu.webhook.headers' },
  webhookEvents: { env: 'OPENVIDU_WEBHOOK_EVENTS', dotted: 'openvidu.webhook.events' },
  maxReceiveKbps: {
    env: 'OPENVIDU_STREAMS_VIDEO_MAX_RECV_BANDWIDTH',
    dotted: 'openvidu.streams.video.max-recv-bandwidth',
  },
  minReceiveKbps: {
    env: 'OPENVIDU_STREAMS_VIDEO_MIN_RECV_BANDWIDTH',
    dotted: 'openvidu.streams.video.min-recv-bandwidth',
  },
  maxSendKbps: {
    env: 'OPENVIDU_STREAMS_VIDEO_MAX_SEND_BANDWIDTH',
    dotted: 'openvidu.streams.video.max-send-bandwidth',
  },
  minSendKbps: {
    env: 'OPENVIDU_STREAMS_VIDEO_MIN_SEND_BANDWIDTH',
    dotted: 'openvidu.streams.video.min-send-bandwidth',
  },
  forcedVideoCodec: { env: 'OPENVIDU_STREAMS_FORCED_VIDEO_CODEC' },
  allowTranscoding: { env: 'OPENVIDU_STREAMS_ALLOW_TRANSCODING' },
  garbageInterval: { env: 'OPENVIDU_SESSIONS_GARBAGE_INTERVAL' },
  garbageThreshold: { env: 'OPENVIDU_SESSIONS_GARBAGE_THRESHOLD' },
  iceServers: { env: 'OPENVIDU_WEBRTC_ICE_SERVERS' },
} as const satisfies Readonly<Record<string, PropertyNames>>

/** What {@link PROPERTIES} calls a property. */
export type PropertyName = keyof typeof PROPERTIES

/** Accepted without effect: the recorder is in the server, and nothing else of what they are about is needed. */
export const NEEDLESS = [
  /^openvidu\.recording\.version$/,
  /^OPENVIDU_RECORDING_(VERSION|IMAGE|DEBUG|ENABLE_GPU)$/,
  /^SUPPORT_DEPRECATED_API$/,
  /^CERTIFICATE_TYPE$/,
  /^coturn\./,
  /^COTURN_/,
] as const
