import type { PartSummary, TrackSummary } from '#containers/container.ts'
import { spanMs } from '#containers/track-totals.ts'
import { editOffsetSeconds, MOVIE_TIMESCALE, type Movie, type MovieTrack } from './movie.ts'
import type { SampleSection } from './sample-section.ts'

/**
 * The movie as it stands in the finished index: tracks that hold samples, each with an edit that shows its first
 * picture or sound when it is due. The movie starts when its earliest track does.
 */
export function finishedMovie(movie: Movie, sections: ReadonlyMap<number, readonly SampleSection[]>): Movie {
  const filled = movie.tracks
    .map((track) => ({ ...track, sections: (sections.get(track.id) ?? []).filter((section) => section.samples > 0) }))
    .filter((track) => track.sections.length > 0)
  const originSeconds = Math.min(...filled.map(startSeconds))
  const tracks = filled.map((track) => ({
    ...track,
    edit: {
      delayTicks: Math.round((startSeconds(track) - originSeconds) * MOVIE_TIMESCALE),
      mediaTime: firstPts(track) - (track.sections[0]?.firstDts ?? 0),
    },
  }))
  return { ...movie, tracks: tracks.length > 0 ? tracks : movie.tracks }
}

/** @param movie finished: its edits are final */
export function summarize(movie: Movie, bytes: number): PartSummary {
  const tracks = movie.tracks.map(summarizeTrack)
  return { durationMs: spanMs(tracks), bytes, tracks }
}

function summarizeTrack(track: MovieTrack): TrackSummary {
  let accessUnits = 0
  let payloadBytes = 0
  let endPts = 0
  for (const section of track.sections) {
    accessUnits += section.samples
    payloadBytes += section.payloadBytes
    endPts = Math.max(endPts, section.maxEndPts)
  }
  const startMs = (track.edit.delayTicks * 1000) / MOVIE_TIMESCALE
  const shownMs = accessUnits === 0 ? 0 : ((endPts - firstPts(track)) * 1000) / track.timescale
  return { trackId: track.id, codec: track.codec, accessUnits, payloadBytes, startMs, endMs: startMs + shownMs }
}

/** Earliest composition, in media time as the fragments count it. */
function firstPts(track: MovieTrack): number {
  let earliest = Number.POSITIVE_INFINITY
  for (const section of track.sections) earliest = Math.min(earliest, section.minPts)
  return earliest
}

const startSeconds = (track: MovieTrack): number => firstPts(track) / track.timescale + editOffsetSeconds(track)
