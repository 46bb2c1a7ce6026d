import type { AudioCodec, VideoCodec } from './codec.ts'

interface TrackFormatBase {
  /** Identity of the track within its stream, from 1. A change of codec or size makes a new format with the same id. */
  readonly trackId: number
  /** Ticks per second of every PTS and DTS of the track. All tracks of a stream share the same zero. */
  readonly timescale: number
  /** Codec configuration record; its form per codec is listed in codec.ts. Owned by the format, never changed. */
  readonly configuration: Uint8Array
  /** Average bits per second as the publisher announced it; 0 when unknown. */
  readonly announcedBitrateBps: number
  /** ISO 639-2/T code; `und` when unknown. */
  readonly language: string
}

/** Colour description with the code points of ITU-T H.273. */
export interface ColorInfo {
  readonly primaries: number
  readonly transfer: number
  readonly matrix: number
  readonly fullRange: boolean
}

/** A video track. */
export interface VideoFormat extends TrackFormatBase {
  readonly kind: 'video'
  readonly codec: VideoCodec
  /** Coded picture size after cropping, in luma samples. 0 until known (VP8 and VP9 before the first key frame). */
  readonly widthPixels: number
  readonly heightPixels: number
  /** Pixel aspect ratio, 1:1 when square or unknown. */
  readonly pixelAspect: { readonly horizontal: number; readonly vertical: number }
  /** Frames per second promised by the bitstream or the publisher; 0 when unknown. A hint, never a clock. */
  readonly frameRateHint: number
  readonly color: ColorInfo | undefined
}

/** An audio track. */
export interface AudioFormat extends TrackFormatBase {
  readonly kind: 'audio'
  readonly codec: AudioCodec
  /** Of the decoded audio: with explicitly signalled SBR twice the AAC core's, with Opus always 48,000. */
  readonly sampleRateHz: number
  readonly channels: number
  /** PCM samples per channel, at sampleRateHz, in one access unit, 0 when it varies (FLAC, G.711, Opus of mixed sizes). */
  readonly samplesPerAccessUnit: number
  /** Set when it was transcoded: the codec that arrived. */
  readonly transcodedFrom?: AudioCodec
}

/** Immutable description of a track. Compare by identity: a publisher's change of format makes a new object. */
export type TrackFormat = VideoFormat | AudioFormat
