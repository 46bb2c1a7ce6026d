import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { AudioFormat, VideoFormat } from '#media/track.ts'
import { OUTPUT_CHANNELS, OUTPUT_RATE_HZ } from './messages.ts'
import type { CompleteRequest } from './request.ts'

/** Of the composed pictures. */
export const VIDEO_TIMESCALE = 90_000
const VIDEO_TRACK = 1
const AUDIO_TRACK = 2
/** AudioSpecificConfig: AAC-LC, 48 kHz, two channels. */
const AAC_CONFIGURATION = Uint8Array.of(0x11, 0x90)

/** How composed pictures are described. @param avcC of their encoder */
export function composedVideo(request: CompleteRequest, avcC: Uint8Array): VideoFormat {
  const { frameRate, widthPixels, heightPixels, videoBitrateBps } = request
  return makeVideoFormat({
    trackId: VIDEO_TRACK,
    codec: 'h264',
    timescale: VIDEO_TIMESCALE,
    configuration: avcC,
    announcedBitrateBps: videoBitrateBps,
    frameRateHint: frameRate,
    widthPixels,
    heightPixels,
  })
}

/** How composed sound is described. */
export function composedAudio({ audioBitrateBps }: CompleteRequest): AudioFormat {
  return makeAudioFormat({
    trackId: AUDIO_TRACK,
    codec: 'aac',
    timescale: OUTPUT_RATE_HZ,
    configuration: AAC_CONFIGURATION,
    announcedBitrateBps: audioBitrateBps,
    sampleRateHz: OUTPUT_RATE_HZ,
    channels: OUTPUT_CHANNELS,
  })
}
