import { type ErrorOrigin, TapedeckError } from '#base/error.ts'

/**
 * What the vendor's REST API answers with a status of its own; clients look at nothing else. Mostly it is the caller's
 * doing. spec section 3.1.
 */
export abstract class VendorError extends TapedeckError {
  abstract readonly status: number
  readonly origin: ErrorOrigin = 'client'
}

/** A member of a request has the wrong type or value. */
export class VendorRequestError extends VendorError {
  readonly code = 'openvidu/request-invalid'
  readonly status = 400
  constructor(reason: string) {
    super(`the request can't be followed: ${reason}`)
  }
}

/** The caller must prove that he is the application. */
export class ApplicationUnknownError extends VendorError {
  readonly code = 'openvidu/unauthenticated'
  readonly status = 401
  constructor() {
    super('send the user OPENVIDUAPP and the secret as Basic credentials')
  }
}

/** A form or a link on another site's page made the browser ask. */
export class ForeignPageError extends VendorError {
  readonly code = 'openvidu/foreign-request'
  readonly status = 403
  constructor() {
    super('a page of another site sent this without saying so: call from a script, with an Authorization header')
  }
}

/** There is no session, connection, stream or file of this name. */
export class NothingThereError extends VendorError {
  readonly code = 'openvidu/not-found'
  readonly status: 400 | 404
  /** @param status 400 where the vendor says so of the session a call is about */
  constructor(what: string, id: string, status: 400 | 404 = 404) {
    super(`there is no ${what} ${quoted(id)}: list those there are`)
    this.status = status
  }
}

/** A camera's stream and its connection are one thing. */
export class CameraStreamError extends VendorError {
  readonly code = 'openvidu/camera-stream'
  readonly status = 405
  constructor(connectionId: string) {
    super(`${connectionId} is an IP camera, whose stream can't be ended alone: delete the connection`)
  }
}

/** Nobody is there to hear a signal. */
export class NobodyToSignalError extends VendorError {
  readonly code = 'openvidu/nobody-to-signal'
  readonly status = 406
  constructor(sessionId: string) {
    super(`nobody in session ${sessionId} is among those the signal is for: name connections that are active`)
  }
}

/** The recording module is off: OPENVIDU_RECORDING. */
export class RecordingOffError extends VendorError {
  readonly code = 'openvidu/recording-off'
  override readonly origin = 'operator'
  readonly status = 501
  constructor() {
    super('nothing is recorded here: set OPENVIDU_RECORDING to true')
  }
}

/** There is no recording of this id, or not one that goes on. */
export class RecordingUnknownError extends VendorError {
  readonly code = 'openvidu/recording-unknown'
  readonly status = 404
  constructor(id: string) {
    super(`there is no recording ${quoted(id)} to do this with: list those there are`)
  }
}

/** It is not in the state for what is asked, or its session is not. */
export class RecordingConflictError extends VendorError {
  readonly code = 'openvidu/recording-conflict'
  readonly status = 409
}

/** It can't be stopped before it has begun. */
export class RecordingStartingError extends VendorError {
  readonly code = 'openvidu/recording-starting'
  readonly status = 406
  constructor(id: string) {
    super(`recording ${id} is still starting: stop it when its status is started`)
  }
}

/** There is nobody in the session. Which status it has depends on the profile. */
export class NobodyConnectedError extends VendorError {
  readonly code = 'openvidu/nobody-connected'
  readonly status: 400 | 404 | 406
  constructor(sessionId: string, status: 400 | 404 | 406) {
    super(`nobody is in session ${sessionId}: start its recording when somebody has joined`)
    this.status = status
  }
}

/** What is asked for is no picture and no sound, or of a size that nothing records. */
export class RecordingPropertiesError extends VendorError {
  readonly code = 'openvidu/recording-properties'
  readonly status = 422
  constructor(reason: string) {
    super(`the recording can't be: ${reason}`)
  }
}

/** The original's code 708. */
export class LayoutMissingError extends VendorError {
  readonly code = 'openvidu/layout-missing'
  readonly status = 500
  constructor(reason: string) {
    super(`the custom layout can't be recorded: ${reason}. Code: 708`)
  }
}

/** Some streams of the session can't be recorded, and the caller did not ask to go on without them. */
export class StreamsNotRecordedError extends VendorError {
  readonly code = 'openvidu/streams-not-recorded'
  override readonly origin = 'publisher'
  readonly status = 500
  constructor(streamIds: readonly string[], cause: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : ''
    super(`can't record ${streamIds.join(', ')}${why}: ask with ignoreFailedStreams to record the others`, { cause })
  }
}

/** Ids come from callers, and may be anything. */
function quoted(id: string): string {
  return JSON.stringify(id.slice(0, 200))
}
