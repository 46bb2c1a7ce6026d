import { TapedeckError } from '#base/error.ts'

/** An address that can't be pulled from, whoever answers there. */
export class PullUrlError extends TapedeckError {
  readonly code = 'pull/url-invalid'
  readonly origin = 'client'
  /** Credentials hidden. */
  readonly url: string
  readonly reason: string
  constructor(url: string, reason: string, example = 'rtmp://host:1935/app/stream') {
    super(`${JSON.stringify(url.slice(0, 200))} ${reason}: give e.g. ${example}`)
    this.url = url
    this.reason = reason
  }
}

/** No connection: the name is not known, nobody listens, the certificate is not trusted. */
export class PullConnectError extends TapedeckError {
  readonly code = 'pull/connect-failed'
  readonly origin = 'publisher'
  readonly url: string
  constructor(url: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't connect to ${url} (${reason}): check the address, and that its server runs`, { cause })
    this.url = url
  }
}

/** It took too long until the origin was ready to send. */
export class PullTimeoutError extends TapedeckError {
  readonly code = 'pull/connect-timeout'
  readonly origin = 'publisher'
  readonly url: string
  readonly waitedMs: number
  /** What it did not answer. */
  readonly phase: string
  constructor(url: string, waitedMs: number, phase: string) {
    super(`${url} did not answer ${phase} within ${waitedMs} ms: check the address, its server and its network`)
    this.url = url
    this.waitedMs = waitedMs
    this.phase = phase
  }
}

/** The origin does not want us: wrong application, credentials, or its own limits. */
export class PullRefusedError extends TapedeckError {
  readonly code = 'pull/refused'
  readonly origin = 'publisher'
  readonly url: string
  /** What the origin calls it, e.g. `NetStream.Play.Failed`. */
  readonly status: string
  constructor(url: string, status: string, description: string) {
    super(
      `${url} refuses (${status}${description === '' ? '' : `: ${description}`}): check its address and credentials`,
    )
    this.url = url
    this.status = status
  }
}

/** The origin has no such stream now. */
export class PullStreamNotFoundError extends TapedeckError {
  readonly code = 'pull/stream-not-found'
  readonly origin = 'publisher'
  readonly url: string
  constructor(url: string) {
    super(`nobody publishes ${url} now: start its encoder, or check the name`)
    this.url = url
  }
}

/** The origin says that the stream is over. */
export class PullSourceEndedError extends TapedeckError {
  readonly code = 'pull/source-ended'
  readonly origin = 'publisher'
  readonly url: string
  constructor(url: string) {
    super(`${url} has ended`)
    this.url = url
  }
}

/** The connection broke, or was closed without a word. */
export class PullConnectionLostError extends TapedeckError {
  readonly code = 'pull/connection-lost'
  readonly origin = 'publisher'
  readonly url: string
  constructor(url: string, cause: Error | undefined) {
    super(`the connection to ${url} was closed${cause === undefined ? '' : ` (${cause.message})`}`, { cause })
    this.url = url
  }
}

/** Connected, and no media for too long. */
export class PullIdleError extends TapedeckError {
  readonly code = 'pull/idle-timeout'
  readonly origin = 'publisher'
  readonly url: string
  readonly idleMs: number
  constructor(url: string, idleMs: number) {
    super(`no media came from ${url} for ${Math.round(idleMs)} ms: check its encoder and network`)
    this.url = url
    this.idleMs = idleMs
  }
}

/** The other end does not speak the protocol of its address. */
export class PullProtocolError extends TapedeckError {
  readonly code = 'pull/protocol-unexpected'
  readonly origin = 'publisher'
  readonly url: string
  readonly reason: string
  constructor(url: string, reason: string) {
    super(`${url} ${reason}: check the port, and whether it is plain (rtmp, rtsp) or TLS (rtmps, rtsps)`)
    this.url = url
    this.reason = reason
  }
}

/** The origin has streams, and none that could be recorded. */
export class PullNothingPlayableError extends TapedeckError {
  readonly code = 'pull/nothing-playable'
  readonly origin = 'publisher'
  readonly url: string
  /** What there was, and why it was left. */
  readonly reasons: readonly string[]
  constructor(url: string, reasons: readonly string[]) {
    super(`${url} has nothing that can be recorded (${reasons.join('; ')}): choose another codec or profile there`)
    this.url = url
    this.reasons = reasons
  }
}

/** The origin sends us on, again and again. */
export class PullRedirectsError extends TapedeckError {
  readonly code = 'pull/redirects-too-many'
  readonly origin = 'publisher'
  readonly url: string
  readonly limit: number
  constructor(url: string, limit: number) {
    super(`${url} and those it names sent us on ${limit} times: give the address of the stream itself`)
    this.url = url
    this.limit = limit
  }
}

/** An option that the way of the address does not have. */
export class PullOptionError extends TapedeckError {
  readonly code = 'pull/option-unsupported'
  readonly origin = 'client'
  readonly url: string
  readonly option: string
  constructor(url: string, option: string, reason: string) {
    super(`${option} can't be chosen for ${url} (${reason}): leave it out`)
    this.url = url
    this.option = option
  }
}
