import type { Codec } from '#media/codec.ts'
import { isVideoCodec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import { sampleEntry } from './sample-entry.ts'
import type { SampleSection } from './sample-section.ts'

/**
 * Ticks per second of movie-level times (edit lists, durations). 90 kHz is the clock of every video track of ours, so
 * video edits are exact, and audio edits (at 44.1 or 48 kHz) are off by at most 6 µs.
 */
export const MOVIE_TIMESCALE = 90_000

/** What a moov box says, in our terms. */
export interface Movie {
  /** Seconds since 1904-01-01 UTC, as the headers store it. */
  readonly creationSeconds: number
  /** No box of version 1, and an mdat with a 32-bit size, where the file's size allows it. Default false. */
  readonly compatible32?: boolean
  readonly tracks: readonly MovieTrack[]
}

export interface MovieTrack {
  readonly id: number
  readonly codec: Codec
  readonly timescale: number
  /** ISO 639-2/T. */
  readonly language: string
  /** Display size in pixels (after the pixel aspect), fractions allowed; 0 for audio. */
  readonly displayWidth: number
  readonly displayHeight: number
  /** Sample entries, whole boxes. sample_description_index counts from 1. */
  readonly sampleEntries: readonly Uint8Array[]
  readonly edit: Edit
  /** The index, in consecutive pieces; none while everything is in fragments. */
  readonly sections: readonly SampleSection[]
}

/** How media time maps to the movie: nothing is shown for `delayTicks`, then the media from `mediaTime` on. */
export interface Edit {
  /** In MOVIE_TIMESCALE. */
  readonly delayTicks: number
  /** In the track's timescale. */
  readonly mediaTime: number
}

export const NO_EDIT: Edit = { delayTicks: 0, mediaTime: 0 }

/** Where media time 0 lies on the movie's timeline, in seconds. */
export const editOffsetSeconds = (track: MovieTrack): number =>
  track.edit.delayTicks / MOVIE_TIMESCALE - track.edit.mediaTime / track.timescale

/** A new track without samples. @throws {CodecUnsupportedError} */
export function movieTrack(format: TrackFormat, id: number, edit: Edit): MovieTrack {
  const isVideo = format.kind === 'video'
  return {
    id,
    codec: format.codec,
    timescale: format.timescale,
    language: format.language,
    displayWidth: isVideo ? (format.widthPixels * format.pixelAspect.horizontal) / format.pixelAspect.vertical : 0,
    displayHeight: isVideo ? format.heightPixels : 0,
    sampleEntries: [sampleEntry(format)],
    edit,
    sections: [],
  }
}

export const isVideoTrack = (track: MovieTrack): boolean => isVideoCodec(track.codec)

/** Seconds between 1904-01-01 (ISO/IEC 14496-12 §8.2.2.3) and 1970-01-01: 66 years, 17 of them leap years. */
const SECONDS_1904_TO_1970 = (66 * 365 + 17) * 86_400

export const creationSecondsOf = (createdAtMs: number): number => Math.floor(createdAtMs / 1000) + SECONDS_1904_TO_1970
