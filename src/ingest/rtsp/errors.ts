import { TapedeckError } from '#base/error.ts'

export class RtspListenError extends TapedeckError {
  readonly code = 'rtsp/listen-failed'
  readonly origin = 'operator'
  readonly address: string
  constructor(address: string, configKey: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't listen for RTSP on ${address} (${reason}): stop the other program or change ${configKey}`, { cause })
    this.address = address
  }
}

export class TooManyRtspConnectionsError extends TapedeckError {
  readonly code = 'rtsp/too-many-connections'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} RTSP connections are open, which is the limit: raise rtsp.maxConnections`)
    this.limit = limit
  }
}

/** Neither media nor requests nor reports came. */
export class RtspIdleError extends TapedeckError {
  readonly code = 'rtsp/idle-timeout'
  readonly origin = 'publisher'
  readonly idleMs: number
  constructor(idleMs: number, configKey: string) {
    super(`nothing came from the RTSP client for ${Math.round(idleMs)} ms: check its network, or raise ${configKey}`)
    this.idleMs = idleMs
  }
}

/** Connected, but without a session that publishes or plays. */
export class RtspUselessConnectionError extends TapedeckError {
  readonly code = 'rtsp/nothing-published-or-played'
  readonly origin = 'client'
  readonly waitedMs: number
  constructor(waitedMs: number) {
    super(
      `the RTSP client neither published nor played anything for ${Math.round(waitedMs)} ms: see why it was refused, above`,
    )
    this.waitedMs = waitedMs
  }
}

/** What we send piles up: a player whose network stands still, or a client that asks and never listens. */
export class RtspPeerNotReadingError extends TapedeckError {
  readonly code = 'rtsp/peer-not-reading'
  readonly origin = 'client'
  readonly unsentBytes: number
  constructor(unsentBytes: number) {
    super(`the RTSP client does not take the ${unsentBytes} bytes it was sent: check its network`)
    this.unsentBytes = unsentBytes
  }
}

/** Somebody tried one credential after the other. */
export class RtspLoginError extends TapedeckError {
  readonly code = 'rtsp/login-failed'
  readonly origin = 'client'
  readonly attempts: number
  constructor(attempts: number) {
    super(`the RTSP client failed to log in ${attempts} times: the password must be a token of auth.tokens`)
    this.attempts = attempts
  }
}

/** A request is answered with an error; the connection goes on. */
export abstract class RtspRefusal extends TapedeckError {
  /** RTSP status code. RFC 2326 §7.1.1. */
  abstract readonly status: number
}

/** A request makes no sense here: its order, its session, its address. */
export class RtspRequestError extends RtspRefusal {
  readonly code = 'rtsp/request-refused'
  readonly origin = 'client'
  readonly method: string
  readonly status: number
  constructor(method: string, status: number, reason: string) {
    super(`RTSP ${method.slice(0, 32)} refused: ${reason}`)
    this.method = method
    this.status = status
  }
}

/** A player's path that nobody publishes. */
export class RtspStreamNotFoundError extends RtspRefusal {
  readonly code = 'rtsp/stream-not-found'
  readonly origin = 'client'
  readonly status = 404
  readonly path: string
  constructor(path: string) {
    super(`nobody publishes ${path}: start the publisher first, or check the name`)
    this.path = path
  }
}

/** Nothing of what is announced can be recorded, or nothing of a stream sent by RTP. */
export class RtspNoSupportedTrackError extends RtspRefusal {
  readonly code = 'rtsp/no-supported-track'
  readonly origin = 'publisher'
  readonly status = 415
  readonly media: readonly string[]
  constructor(media: readonly string[]) {
    super(`there is only ${media.join(', ') || 'nothing'}, which is not supported: choose H.264 and AAC in the encoder`)
    this.media = media
  }
}

/** None of the ways the client can take is one of ours. */
export class RtspTransportError extends RtspRefusal {
  readonly code = 'rtsp/transport-unsupported'
  readonly origin = 'client'
  readonly status = 461
  readonly transport: string
  constructor(transport: string, isUdpOff: boolean) {
    const ours = isUdpOff ? 'RTP/AVP/TCP (rtsp.udpPorts is off)' : 'RTP/AVP by UDP or TCP, unicast'
    super(`transport ${JSON.stringify(transport.slice(0, 120))} is none of ours: use ${ours}`)
    this.transport = transport
  }
}

/** All ports for media over UDP are taken. */
export class RtspUdpPortsError extends RtspRefusal {
  readonly code = 'rtsp/udp-ports-exhausted'
  readonly origin = 'operator'
  readonly status = 503
  readonly ports: string
  constructor(ports: string, cause?: unknown) {
    super(`no pair of UDP ports is free in ${ports}: widen rtsp.udpPorts, or let clients use TCP`, { cause })
    this.ports = ports
  }
}
