import type { VideoFormat } from '#media/track.ts'
import { codecName } from './codec-names.ts'
import type { MediaSession } from './media-sessions.ts'
import { type Recordings, recordFileName } from './recordings.ts'

/** A stream as the REST methods show it. Fields that would be unknown are absent. spec section 6.2. */
export type StreamObject = Readonly<Record<string, unknown>> & {
  readonly mediaSessionId: string
  readonly name: string
  readonly status: string
}

/** What `/stream/find` answers about a session. */
export function streamObject(session: MediaSession, recordings: Recordings): StreamObject {
  const { stream, mediaSessionId, sessionId, appKey, name, provider, muted } = session
  const formats = [...stream.formats.values()]
  const video = formats.find((format): format is VideoFormat => format.kind === 'video')
  const [record] = recordings.of(session)
  const recordName = record === undefined ? undefined : recordFileName(record)
  const audioCodec = codecName(formats, 'audio')
  const videoCodec = codecName(formats, 'video')
  return {
    nodeId: null,
    appKey,
    sessionId,
    mediaSessionId,
    name,
    published: true,
    hasVideo: videoCodec !== '',
    hasAudio: audioCodec !== '',
    status: 'PUBLISHING',
    ...(audioCodec !== '' && { audioCodec }),
    ...(videoCodec !== '' && { videoCodec }),
    record: record !== undefined,
    ...(recordName !== undefined && { recordName }),
    width: video?.widthPixels ?? 0,
    height: video?.heightPixels ?? 0,
    bitrate: 0,
    minBitrate: 0,
    maxBitrate: 0,
    quality: 0,
    history: false,
    gop: 0,
    fps: Math.round(video?.frameRateHint ?? 0),
    audioBitrate: 0,
    codecImpl: '',
    transport: provider === 'WebRTC' ? 'UDP' : 'TCP',
    cvoExtension: false,
    createDate: stream.startedAtMs,
    mediaType: 'publish',
    mediaProvider: provider,
    audioState: { muted: muted.audio },
    videoState: { muted: muted.video },
  }
}
