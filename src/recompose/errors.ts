import { TapedeckError } from '#base/error.ts'

/** There is nothing to compose from: no stream of the room was kept by itself. */
export class TracksNotKeptError extends TapedeckError {
  readonly code = 'recompose/no-tracks'
  readonly origin = 'publisher'
  readonly recordingId: string
  constructor(recordingId: string) {
    super(
      `no tracks were kept of what recording ${recordingId} shows: record rooms with keepTracks, or name recordings of single streams`,
    )
    this.recordingId = recordingId
  }
}

/** Only what is final can be composed. */
export class TrackNotFinalError extends TapedeckError {
  readonly code = 'recompose/still-recording'
  readonly origin = 'publisher'
  readonly recordingId: string
  constructor(recordingId: string) {
    super(`recording ${recordingId} goes on: stop it, and compose it when it is ready`)
    this.recordingId = recordingId
  }
}

/** The file of a kept track is not where it was written. */
export class TrackGoneError extends TapedeckError {
  readonly code = 'recompose/track-gone'
  readonly origin = 'storage'
  readonly recordingId: string
  readonly path: string
  constructor(recordingId: string, path: string) {
    super(`${path} of recording ${recordingId} is gone: bring it back, or name the recordings to compose without it`)
    this.recordingId = recordingId
    this.path = path
  }
}

/** The file of a kept track can't be read to its end. */
export class TrackDamagedError extends TapedeckError {
  readonly code = 'recompose/track-damaged'
  readonly origin = 'storage'
  readonly recordingId: string
  readonly path: string
  readonly reason: string
  constructor(recordingId: string, path: string, reason: string) {
    super(
      `${path} of recording ${recordingId} is damaged (${reason}): try "tapedeck repair", or name the recordings to compose without it`,
    )
    this.recordingId = recordingId
    this.path = path
    this.reason = reason
  }
}

/** The process that composes failed in a way that says nothing of the files. */
export class RecomposingFailedError extends TapedeckError {
  readonly code = 'recompose/failed'
  readonly origin = 'internal'
  constructor(reason: string) {
    super(`the process that composes ${reason}: try again, and report it with the log if it fails again`)
  }
}

/** There is no such job. */
export class RecompositionNotFoundError extends TapedeckError {
  readonly code = 'recompose/not-found'
  readonly origin = 'client'
  readonly id: string
  constructor(id: string) {
    super(`there is no job ${id}: jobs are forgotten with the end of the server, and the oldest when there are many`)
    this.id = id
  }
}

/** It is over already. */
export class RecompositionOverError extends TapedeckError {
  readonly code = 'recompose/not-running'
  readonly origin = 'client'
  readonly id: string
  constructor(id: string, state: string) {
    super(`job ${id} is ${state}: there is nothing to cancel; what it made is an ordinary recording`)
    this.id = id
  }
}

/** So many jobs wait that another one would wait for ever. */
export class TooManyRecompositionsError extends TapedeckError {
  readonly code = 'recompose/too-many'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} jobs wait, which is the limit: cancel one, or try again when one is done`)
    this.limit = limit
  }
}

/** The server ends, and with it the job. */
export class RecompositionsClosedError extends TapedeckError {
  readonly code = 'recompose/closed'
  readonly origin = 'operator'
  constructor() {
    super('the server was shut down, and nothing of the job is kept: begin it again')
  }
}
