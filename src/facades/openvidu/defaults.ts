import type { RecordingProperties, SessionProperties } from './properties.ts'

/** A session of which nothing is said. spec sections 3.4 and 3.6. */
export function defaultSessionProperties(): SessionProperties {
  return {
    customSessionId: '',
    mediaMode: 'ROUTED',
    recordingMode: 'MANUAL',
    defaultRecordingProperties: defaultRecordingProperties(),
    forcedVideoCodec: 'MEDIA_SERVER_PREFERRED',
    allowTranscoding: false,
  }
}

/** A recording of which nothing is said, as late versions have it. */
export function defaultRecordingProperties(): RecordingProperties {
  return {
    name: '',
    hasAudio: true,
    hasVideo: true,
    outputMode: 'COMPOSED',
    recordingLayout: 'BEST_FIT',
    customLayout: '',
    resolution: '1280x720',
    frameRate: 25,
    shmSize: 536_870_912,
    ignoreFailedStreams: false,
  }
}
