/** What can go wrong on this side; whatever the server refuses comes with the server's own code (docs/reference/errors.md). */
export type ClientErrorCode =
  | 'client/insecure-origin'
  | 'client/unsupported'
  | 'client/permission-denied'
  | 'client/no-device'
  | 'client/device-busy'
  | 'client/nothing-chosen'
  | 'client/unreachable'
  | 'client/connection-failed'
  | 'client/connection-lost'
  | 'client/wrong-state'
  | 'client/recording-failed'

/** Everything this library throws. Branch on `code`; the message is for people and may change. */
export class TapedeckError extends Error {
  readonly code: string

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'TapedeckError'
    this.code = code
  }
}

/** Camera, microphone or screen could not be had. */
export class MediaError extends TapedeckError {
  declare readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    super(code, message, cause)
  }
}

/** The server could not be reached, or no media came through. */
export class ConnectionError extends TapedeckError {
  declare readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    super(code, message, cause)
  }
}

/** The server refused. `code` is its own; `client/refused` where a proxy or something else answered. */
export class ServerError extends TapedeckError {
  /** Of HTTP. */
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(code, message)
    this.status = status
  }
}
