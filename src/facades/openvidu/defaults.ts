import type { Compat } from './configuration/settings.ts'
import type { RecordingProperties, SessionProperties } from './properties.ts'

/** A session of which nothing is said. spec sections 3.4 and 3.6. */
export function defaultSessionProperties(compat: Compat): SessionProperties {
  return {
    customSessionId: '',
    mediaMode: 'ROUTED',
    recordingMode: 'MANUAL',
    defaultRecordingProperties: defaultRecordingProperties(compat),
    forcedVideoCodec: 'MEDIA_SERVER_PREFERRED',
    allowTranscoding: false,
  }
}

/** A recording of which nothing is said. spec sections 0.2 row 8 and 3.6. */
export function defaultRecordingProperties(compat: Compat): RecordingProperties {
  return {
    name: '',
    hasAudio: true,
    hasVideo: true,
    outputMode: 'COMPOSED',
    recordingLayout: 'BEST_FIT',
    customLayout: '',
    resolution: compat === 'classic' ? '1920x1080' : '1280x720',
    frameRate: 25,
    shmSize: 536_870_912,
    ignoreFailedStreams: false,
  }
}
