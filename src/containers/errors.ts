import { type ErrorOrigin, TapedeckError } from '#base/error.ts'
import type { Codec } from '#media/codec.ts'

/** Something about a container's bytes or contents. */
export abstract class ContainerError extends TapedeckError {
  override readonly origin: ErrorOrigin = 'storage'
}

/** The file was not written by Tapedeck, so it is never changed. */
export class NotOursError extends ContainerError {
  readonly code = 'container/not-ours'
  readonly container: string
  readonly reason: string
  constructor(container: string, reason: string) {
    super(`not an ${container} file written by Tapedeck (${reason}), so it stays as it is: choose another file or name`)
    this.container = container
    this.reason = reason
  }
}

/** The file begins as ours and then breaks off or contradicts itself in a way that loses the track. */
export class DamagedError extends ContainerError {
  readonly code = 'container/damaged'
  readonly container: string
  readonly reason: string
  constructor(container: string, reason: string) {
    super(`damaged ${container} file (${reason}): the bytes are kept as they are; try \`ffmpeg -i\` to salvage them`)
    this.container = container
    this.reason = reason
  }
}

/** The file is the beginning of one of ours and breaks off before its first access unit: nothing is lost with it. */
export class TornHeadError extends ContainerError {
  readonly code = 'container/torn-head'
  readonly container: string
  constructor(container: string) {
    super(`${container} file that breaks off inside its head, so that nothing was recorded in it: delete it`)
    this.container = container
  }
}

/** A track cannot be stored in this container. */
export class CodecUnsupportedError extends ContainerError {
  readonly code = 'container/codec-unsupported'
  override readonly origin = 'client'
  readonly container: string
  readonly codec: Codec
  readonly reason: string
  constructor(container: string, codec: Codec, reason: string) {
    super(`${container} cannot carry this ${codec} track (${reason}): record it to mp4`)
    this.container = container
    this.codec = codec
    this.reason = reason
  }
}

/** The file's track holds another codec than what is to be appended. */
export class AppendMismatchError extends ContainerError {
  readonly code = 'container/append-mismatch'
  override readonly origin = 'client'
  readonly container: string
  readonly trackId: number
  readonly present: Codec
  readonly wanted: Codec
  constructor(container: string, trackId: number, present: Codec, wanted: Codec) {
    super(`track ${trackId} of the ${container} file is ${present}, the stream's is ${wanted}: record to a new file`)
    this.container = container
    this.trackId = trackId
    this.present = present
    this.wanted = wanted
  }
}

/** The file's track has another codec configuration than what is to be appended, and the container holds one per track. */
export class AppendConfigurationError extends ContainerError {
  readonly code = 'container/append-configuration'
  override readonly origin = 'client'
  readonly container: string
  readonly trackId: number
  readonly codec: Codec
  constructor(container: string, trackId: number, codec: Codec) {
    super(
      `track ${trackId} of the ${container} file is ${codec} of another configuration than the stream's: record to a new file`,
    )
    this.container = container
    this.trackId = trackId
    this.codec = codec
  }
}

/** An access unit of a track that the writer was not told of, or whose new format it refused: a mistake of ours. */
export class UnannouncedTrackError extends TapedeckError {
  readonly code = 'internal/track-unannounced'
  readonly origin = 'internal'
  readonly trackId: number
  constructor(trackId: number) {
    super(`track ${trackId} was written without being announced; please report this with the log`)
    this.trackId = trackId
  }
}
