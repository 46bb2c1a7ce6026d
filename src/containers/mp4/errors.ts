import { TapedeckError } from '#base/error.ts'

/** An access unit of a track that begin, addTrack or changeFormat never heard of: a mistake of ours. */
export class UnannouncedTrackError extends TapedeckError {
  readonly code = 'internal/track-unannounced'
  readonly origin = 'internal'
  readonly trackId: number
  constructor(trackId: number) {
    super(`track ${trackId} was written without being announced; please report this with the log`)
    this.trackId = trackId
  }
}
