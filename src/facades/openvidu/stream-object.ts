import type { PublishedStream } from './properties.ts'

/** A stream as clients are told of it. spec section 7.6. */
export function streamObject(stream: PublishedStream): object {
  const { id, createdAt, hasAudio, audioActive, hasVideo, videoActive } = stream
  const { typeOfVideo, frameRate, videoDimensions } = stream
  return {
    id,
    createdAt,
    hasAudio,
    hasVideo,
    audioActive,
    videoActive,
    ...(hasVideo && { typeOfVideo, frameRate: frameRate ?? -1, videoDimensions }),
    filter: {},
  }
}
