/** Codecs that are taken from WebRTC publishers, by the names of the configuration. */
export const WEBRTC_VIDEO_CODECS = ['h264', 'h265', 'av1', 'vp8', 'vp9'] as const
/** See {@link WEBRTC_VIDEO_CODECS}. */
export const WEBRTC_AUDIO_CODECS = ['opus', 'pcmu', 'pcma', 'g722'] as const
/** One of {@link WEBRTC_VIDEO_CODECS}. */
export type VideoCodecName = (typeof WEBRTC_VIDEO_CODECS)[number]
/** One of {@link WEBRTC_AUDIO_CODECS}. */
export type AudioCodecName = (typeof WEBRTC_AUDIO_CODECS)[number]

/** What is taken of a publisher, the best first. */
export interface CodecPreference {
  readonly video: readonly VideoCodecName[]
  readonly audio: readonly AudioCodecName[]
}
