import { VendorError } from '../vendor-error.ts'

/** The recording module is off: OPENVIDU_RECORDING. */
export class RecordingOffError extends VendorError {
  readonly code = 'openvidu/recording-off'
  readonly origin = 'operator'
  readonly status = 501
  constructor() {
    super('nothing is recorded here: set OPENVIDU_RECORDING to true')
  }
}

export class RecordingUnknownError extends VendorError {
  readonly code = 'openvidu/recording-unknown'
  readonly origin = 'client'
  readonly status = 404
  constructor(id: string) {
    super(`there is no recording ${JSON.stringify(id.slice(0, 200))} to do this with: list those there are`)
  }
}

/** It is not in the state for what is asked, or its session is not. */
export class RecordingConflictError extends VendorError {
  readonly code = 'openvidu/recording-conflict'
  readonly origin = 'client'
  readonly status = 409
  constructor(reason: string) {
    super(reason)
  }
}

/** It can't be stopped before it has begun. */
export class RecordingStartingError extends VendorError {
  readonly code = 'openvidu/recording-starting'
  readonly origin = 'client'
  readonly status = 406
  constructor(id: string) {
    super(`recording ${id} is still starting: stop it when its status is started`)
  }
}

/** There is nobody in the session. Which status it has depends on the profile. */
export class NobodyConnectedError extends VendorError {
  readonly code = 'openvidu/nobody-connected'
  readonly origin = 'client'
  readonly status: 400 | 404 | 406
  constructor(sessionId: string, status: 400 | 404 | 406) {
    super(`nobody is in session ${sessionId}: start its recording when somebody has joined`)
    this.status = status
  }
}

/** What is asked for is no picture and no sound, or of a size that nothing records. */
export class RecordingPropertiesError extends VendorError {
  readonly code = 'openvidu/recording-properties'
  readonly origin = 'client'
  readonly status = 422
  constructor(reason: string) {
    super(`the recording can't be: ${reason}`)
  }
}

/** The original's code 708. */
export class LayoutMissingError extends VendorError {
  readonly code = 'openvidu/layout-missing'
  readonly origin = 'client'
  readonly status = 500
  constructor(reason: string) {
    super(`the custom layout can't be recorded: ${reason}. Code: 708`)
  }
}

/** Some streams of the session can't be recorded, and the caller did not ask to go on without them. */
export class StreamsNotRecordedError extends VendorError {
  readonly code = 'openvidu/streams-not-recorded'
  readonly origin = 'publisher'
  readonly status = 500
  constructor(streamIds: readonly string[], cause: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : ''
    super(`can't record ${streamIds.join(', ')}${why}: ask with ignoreFailedStreams to record the others`, { cause })
  }
}
