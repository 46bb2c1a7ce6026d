import { TapedeckError } from '#base/error.ts'

/** No credential was given, or one we do not know. */
export class UnauthenticatedError extends TapedeckError {
  readonly code = 'auth/unauthenticated'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string) {
    super(`${reason}: send "Authorization: Bearer <token>" with a token from auth.tokens of the configuration`)
    this.reason = reason
  }
}

/** The credential is good, but not for this. */
export class ForbiddenError extends TapedeckError {
  readonly code = 'auth/forbidden'
  readonly origin = 'client'
  readonly tokenName: string
  constructor(tokenName: string, what: string) {
    super(`token "${tokenName}" may not ${what}: use a token with another role or match`)
    this.tokenName = tokenName
  }
}

/** Somebody who may not publish or play this stream. */
export class StreamAccessDeniedError extends TapedeckError {
  readonly code = 'auth/stream-access-denied'
  readonly origin = 'client'
  readonly action: 'publish' | 'play'
  readonly path: string
  constructor(action: 'publish' | 'play', path: string, reason: string) {
    super(`${action} of ${path} refused: ${reason}`)
    this.action = action
    this.path = path
  }
}

/** The operator's access endpoint gave no usable answer; refused, since nobody said yes. */
export class AccessEndpointError extends TapedeckError {
  readonly code = 'auth/access-endpoint-failed'
  readonly origin = 'operator'
  readonly url: string
  readonly reason: string
  constructor(url: string, reason: string, cause?: unknown) {
    super(`access endpoint ${url} ${reason}: check auth.publish.http and auth.play.http of the configuration`, {
      cause,
    })
    this.url = url
    this.reason = reason
  }
}

export class StreamNotFoundError extends TapedeckError {
  readonly code = 'stream/not-found'
  readonly origin = 'client'
  readonly path: string
  constructor(path: string) {
    super(`nobody publishes ${path}: see GET /api/v1/streams for what is live`)
    this.path = path
  }
}

/** The live view is progressive MP4, and this stream has nothing it can carry yet or at all. */
export class NotViewableError extends TapedeckError {
  readonly code = 'live/not-viewable'
  readonly origin = 'client'
  readonly path: string
  readonly codecs: readonly string[]
  constructor(path: string, codecs: readonly string[]) {
    super(
      codecs.length === 0
        ? `${path} has sent no media yet: try again in a moment`
        : `${path} carries ${codecs.join(', ')}, which live.mp4 can't: play it over the protocol it is published with`,
    )
    this.path = path
    this.codecs = codecs
  }
}

export class TooManyViewersError extends TapedeckError {
  readonly code = 'live/too-many-viewers'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} viewers are connected, which is the limit: close a live view and try again`)
    this.limit = limit
  }
}

/** There is no picture to show for this recording. */
export class PosterUnavailableError extends TapedeckError {
  readonly code = 'poster/unavailable'
  readonly origin = 'client'
  readonly recordingId: string
  readonly reason: string
  constructor(recordingId: string, reason: string) {
    super(`recording ${recordingId} has no poster: ${reason}`)
    this.recordingId = recordingId
    this.reason = reason
  }
}

/** More posters are being made than are worth waiting for. */
export class PosterQueueFullError extends TapedeckError {
  readonly code = 'poster/busy'
  readonly origin = 'operator'
  readonly waiting: number
  constructor(waiting: number) {
    super(`${waiting} posters are waiting to be made already: try again in a few seconds`)
    this.waiting = waiting
  }
}

/** A recording is known, but nothing of it is on disk yet. */
export class ManifestNotFoundError extends TapedeckError {
  readonly code = 'recording/manifest-not-found'
  readonly origin = 'client'
  readonly recordingId: string
  constructor(recordingId: string) {
    super(`recording ${recordingId} has no manifest yet: it is written with the first access unit`)
    this.recordingId = recordingId
  }
}
