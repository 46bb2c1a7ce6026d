import { TapedeckError } from '#base/error.ts'

/** One thing wrong with a request, where and what would be right. */
export interface InputProblem {
  /** Dotted path with the part of the request in front: `body.rotate.seconds`, `query.limit`. */
  readonly field: string
  readonly message: string
}

/** A request that does not have the form the API asks for; all problems at once. */
export class InvalidRequestError extends TapedeckError {
  readonly code = 'api/invalid-request'
  readonly origin = 'client'
  readonly problems: readonly InputProblem[]
  constructor(problems: readonly InputProblem[]) {
    super(problems.map(({ field, message }) => `${field}: ${message}`).join('; '))
    this.problems = problems
  }
}

export class MalformedBodyError extends TapedeckError {
  readonly code = 'api/malformed-body'
  readonly origin = 'client'
  constructor(reason: string, cause?: unknown) {
    super(`the body is not JSON (${reason}): send a JSON object`, { cause })
  }
}

export class BodyTooLargeError extends TapedeckError {
  readonly code = 'api/body-too-large'
  readonly origin = 'client'
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`the body is larger than ${limitBytes} bytes: send less, e.g. shorter metadata`)
    this.limitBytes = limitBytes
  }
}

export class UnsupportedMediaTypeError extends TapedeckError {
  readonly code = 'api/unsupported-media-type'
  readonly origin = 'client'
  constructor(given: string) {
    super(`the body has the type ${JSON.stringify(given.slice(0, 100))}: send "Content-Type: application/json"`)
  }
}

export class NoSuchRouteError extends TapedeckError {
  readonly code = 'api/no-such-route'
  readonly origin = 'client'
  constructor(method: string, path: string) {
    super(`there is no ${method} ${path}: see /docs for what there is`)
  }
}

/** DNS rebinding: a page elsewhere makes its own name point here, and the browser says that name. */
export class HostNotAllowedError extends TapedeckError {
  readonly code = 'api/host-not-allowed'
  readonly origin = 'client'
  readonly host: string
  constructor(host: string) {
    super(
      `the host ${JSON.stringify(host.slice(0, 200))} is not ours: use the address printed at start, or add it to api.allowedHosts`,
    )
    this.host = host
  }
}

export class CrossSiteRequestError extends TapedeckError {
  readonly code = 'api/cross-site-request'
  readonly origin = 'client'
  readonly site: string
  constructor(site: string) {
    super(`a page of ${site} may not use this server: add its origin to api.allowedOrigins if it should`)
    this.site = site
  }
}

export class RangeNotSatisfiableError extends TapedeckError {
  readonly code = 'api/range-not-satisfiable'
  readonly origin = 'client'
  readonly sizeBytes: number
  constructor(sizeBytes: number) {
    super(`the range begins at or after the end: the file has ${sizeBytes} bytes`)
    this.sizeBytes = sizeBytes
  }
}

/** The catalog knows the part, the disk does not. */
export class PartFileMissingError extends TapedeckError {
  readonly code = 'api/part-file-missing'
  readonly origin = 'storage'
  readonly recordingId: string
  readonly index: number
  constructor(recordingId: string, index: number, cause: unknown) {
    super(
      `the file of part ${index} of recording ${recordingId} is not where it was written: look for a moved or unmounted folder`,
      {
        cause,
      },
    )
    this.recordingId = recordingId
    this.index = index
  }
}

export class TooManyEventReadersError extends TapedeckError {
  readonly code = 'api/too-many-event-readers'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} clients read events, which is the limit: close one and try again`)
    this.limit = limit
  }
}

export class TooManyRulesError extends TapedeckError {
  readonly code = 'api/too-many-rules'
  readonly origin = 'client'
  readonly limit: number
  constructor(limit: number) {
    super(`there are ${limit} rules, which is the limit: remove one, or use a wider pattern`)
    this.limit = limit
  }
}

export class MethodNotAllowedError extends TapedeckError {
  readonly code = 'api/method-not-allowed'
  readonly origin = 'client'
  readonly method: string
  constructor(method: string, allowed: string) {
    super(`${method} is not possible here: use ${allowed}`)
    this.method = method
  }
}

export class WebRtcDisabledError extends TapedeckError {
  readonly code = 'webrtc/disabled'
  readonly origin = 'operator'
  constructor() {
    super('WebRTC is off, or not up yet: set webrtc.udp, such as 0.0.0.0:8189')
  }
}

/** A session that never was, or has ended. */
export class WebRtcSessionNotFoundError extends TapedeckError {
  readonly code = 'webrtc/session-not-found'
  readonly origin = 'client'
  readonly id: string
  constructor(id: string) {
    super('there is no such WebRTC session, or it has ended: begin a new one')
    this.id = id
  }
}

/** Candidates that don't say which ICE session they are of. */
export class EtagMissingError extends TapedeckError {
  readonly code = 'webrtc/etag-missing'
  readonly origin = 'client'
  constructor() {
    super('If-Match is missing: send the ETag of the answer')
  }
}

/** Candidates of another ICE session. */
export class EtagMismatchError extends TapedeckError {
  readonly code = 'webrtc/etag-mismatch'
  readonly origin = 'client'
  constructor() {
    super('If-Match names another ICE session: send the ETag of the answer')
  }
}
