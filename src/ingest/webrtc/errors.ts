import { TapedeckError } from '#base/error.ts'

/** The library can't do what we need of it. */
export class WebRtcTransportError extends TapedeckError {
  readonly code = 'webrtc/transport-failed'
  readonly origin = 'internal'
  constructor(reason: string, cause?: unknown) {
    super(`WebRTC: ${reason}: see webrtc.udp, and whether the port is free`, { cause })
  }
}

/** The UDP port of WebRTC can't be had. */
export class WebRtcListenError extends TapedeckError {
  readonly code = 'webrtc/listen-failed'
  readonly origin = 'operator'
  readonly address: string
  constructor(address: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't listen for WebRTC on UDP ${address} (${reason}): stop the other program or change webrtc.udp`, {
      cause,
    })
    this.address = address
  }
}

export class TooManyWebRtcSessionsError extends TapedeckError {
  readonly code = 'webrtc/too-many-sessions'
  readonly origin = 'operator'
  readonly limit: number
  constructor(what: string, limit: number, configKey: string) {
    super(`${limit} WebRTC sessions ${what}, which is the limit: try again later, or raise ${configKey}`)
    this.limit = limit
  }
}

/** A player's path that nobody publishes. */
export class WebRtcStreamNotFoundError extends TapedeckError {
  readonly code = 'webrtc/stream-not-found'
  readonly origin = 'client'
  readonly path: string
  constructor(path: string) {
    super(`nobody publishes ${path}: start the publisher first, or check the name`)
    this.path = path
  }
}

/** The library can't change the addresses of a connection. */
export class WebRtcRestartUnsupportedError extends TapedeckError {
  readonly code = 'webrtc/restart-unsupported'
  readonly origin = 'client'
  constructor() {
    super('an ICE restart is not possible: end the session with DELETE, and begin a new one')
  }
}

/** Nothing came for too long: no media of a publisher's, no reports of a player's. */
export class WebRtcIdleError extends TapedeckError {
  readonly code = 'webrtc/idle-timeout'
  readonly origin = 'publisher'
  readonly idleMs: number
  constructor(idleMs: number, configKey: string) {
    super(`nothing came from the browser for ${Math.round(idleMs)} ms: check its network, or raise ${configKey}`)
    this.idleMs = idleMs
  }
}
