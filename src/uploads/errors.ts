import { TapedeckError } from '#base/error.ts'

/** The body is no media file that could be read. */
export class UploadNotMediaError extends TapedeckError {
  readonly code = 'upload/not-media'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string) {
    super(`the upload is no media file that can be read (${reason}): send the bytes of one whole file as the body`)
    this.reason = reason
  }
}

/** It is media, of which no track can be kept. */
export class UploadNothingUsableError extends TapedeckError {
  readonly code = 'upload/nothing-usable'
  readonly origin = 'client'
  readonly reasons: readonly string[]
  constructor(reasons: readonly string[]) {
    super(`no track of the upload can be kept (${reasons.join('; ')}): convert it to H.264 and AAC, or VP8 and Opus`)
    this.reasons = reasons
  }
}

/** Its tracks fit together in no container, or change so that no container can follow. */
export class UploadNotHeldError extends TapedeckError {
  readonly code = 'upload/not-held'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string) {
    super(`the upload can't be kept in one file: ${reason}; convert it first`)
    this.reason = reason
  }
}

export class UploadTooLargeError extends TapedeckError {
  readonly code = 'upload/too-large'
  readonly origin = 'client'
  readonly maxBytes: number
  constructor(maxBytes: number) {
    super(`the upload has more than ${maxBytes} bytes: raise limits.uploadBytes, or upload it in pieces`)
    this.maxBytes = maxBytes
  }
}

/** Its sender went away, or sent nothing for too long. */
export class UploadBrokenOffError extends TapedeckError {
  readonly code = 'upload/broken-off'
  readonly origin = 'client'
  readonly receivedBytes: number
  constructor(receivedBytes: number, reason: string) {
    super(`the upload broke off after ${receivedBytes} bytes (${reason}), and nothing of it is kept: send it again`)
    this.receivedBytes = receivedBytes
  }
}

export class TooManyUploadsError extends TapedeckError {
  readonly code = 'upload/too-many'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} uploads are under way, which is limits.uploads: try again when one is done`)
    this.limit = limit
  }
}

/** The process that reads the upload failed in a way that says nothing of the file. */
export class UploadReaderError extends TapedeckError {
  readonly code = 'upload/reader-failed'
  readonly origin = 'internal'
  readonly reason: string
  constructor(reason: string) {
    super(`reading the upload failed: ${reason}; please report this with the file`)
    this.reason = reason
  }
}

/** The server is going down. */
export class UploadsClosedError extends TapedeckError {
  readonly code = 'upload/closed'
  readonly origin = 'operator'
  constructor() {
    super('the server is shutting down, and nothing of the upload is kept: send it again when it is back')
  }
}
