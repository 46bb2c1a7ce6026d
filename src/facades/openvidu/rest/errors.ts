import { VendorError } from '../vendor-error.ts'

export class VendorRequestError extends VendorError {
  readonly code = 'openvidu/request-invalid'
  readonly origin = 'client'
  readonly status = 400
  constructor(reason: string) {
    super(`the request can't be followed: ${reason}`)
  }
}

/** The caller must prove that he is the application. */
export class ApplicationUnknownError extends VendorError {
  readonly code = 'openvidu/unauthenticated'
  readonly origin = 'client'
  readonly status = 401
  constructor() {
    super('send the user OPENVIDUAPP and the secret as Basic credentials')
  }
}

/** A form or a link on another site's page made the browser ask. */
export class ForeignPageError extends VendorError {
  readonly code = 'openvidu/foreign-request'
  readonly origin = 'client'
  readonly status = 403
  constructor() {
    super('a page of another site sent this without saying so: call from a script, with an Authorization header')
  }
}

/** There is no session, connection, stream or file of this name. */
export class NothingThereError extends VendorError {
  readonly code = 'openvidu/not-found'
  readonly origin = 'client'
  readonly status: 400 | 404
  /** @param status 400 where the vendor says so of the session a call is about */
  constructor(what: string, id: string, status: 400 | 404 = 404) {
    super(`there is no ${what} ${JSON.stringify(id.slice(0, 200))}: list those there are`)
    this.status = status
  }
}

/** Nobody is there to hear a signal. */
export class NobodyToSignalError extends VendorError {
  readonly code = 'openvidu/nobody-to-signal'
  readonly origin = 'client'
  readonly status = 406
  constructor(sessionId: string) {
    super(`nobody in session ${sessionId} is among those the signal is for: name connections that are active`)
  }
}
