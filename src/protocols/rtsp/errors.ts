import { TapedeckError } from '#base/error.ts'

/** What came over an RTSP connection is no RTSP, or more than is taken. The connection can't be read on. */
export class RtspMessageError extends TapedeckError {
  readonly code = 'rtsp/message-malformed'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string) {
    super(`the RTSP peer sent ${reason}: is it an RTSP program, and is the port the right one?`)
    this.reason = reason
  }
}

/** A session description that names no media. */
export class SessionDescriptionError extends TapedeckError {
  readonly code = 'rtsp/description-malformed'
  readonly origin = 'publisher'
  readonly reason: string
  constructor(reason: string) {
    super(`the session description (SDP) ${reason}: check the encoder or camera`)
    this.reason = reason
  }
}
