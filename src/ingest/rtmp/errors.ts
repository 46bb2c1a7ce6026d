import { TapedeckError } from '#base/error.ts'

export class RtmpListenError extends TapedeckError {
  readonly code = 'rtmp/listen-failed'
  readonly origin = 'operator'
  readonly address: string
  constructor(address: string, configKey: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't listen for RTMP on ${address} (${reason}): stop the other program or change ${configKey}`, { cause })
    this.address = address
  }
}

export class TooManyRtmpConnectionsError extends TapedeckError {
  readonly code = 'rtmp/too-many-connections'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} RTMP connections are open, which is the limit: raise rtmp.maxConnections`)
    this.limit = limit
  }
}

/** Handshake and connect did not come in time, or came with too many bytes around them. */
export class RtmpSetupError extends TapedeckError {
  readonly code = 'rtmp/setup-incomplete'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string) {
    super(`the RTMP client did not get as far as connect: ${reason}; is it an RTMP client?`)
    this.reason = reason
  }
}

export class RtmpIdleError extends TapedeckError {
  readonly code = 'rtmp/idle-timeout'
  readonly origin = 'publisher'
  readonly idleMs: number
  constructor(idleMs: number) {
    super(
      `nothing came from the RTMP client for ${Math.round(idleMs)} ms: check its network, or raise rtmp.idleTimeoutMs`,
    )
    this.idleMs = idleMs
  }
}

/** Connected, perhaps sending, but without a stream that was accepted for publishing or playing. */
export class RtmpUselessConnectionError extends TapedeckError {
  readonly code = 'rtmp/nothing-published-or-played'
  readonly origin = 'client'
  readonly waitedMs: number
  constructor(waitedMs: number) {
    super(
      `the RTMP client neither published nor played anything for ${Math.round(waitedMs)} ms: see why it was refused, above`,
    )
    this.waitedMs = waitedMs
  }
}

export class NoSupportedTrackError extends TapedeckError {
  readonly code = 'rtmp/no-supported-track'
  readonly origin = 'publisher'
  readonly codecs: readonly string[]
  constructor(codecs: readonly string[]) {
    super(`the publisher sends only ${codecs.join(', ')}, which can't be recorded: choose H.264 and AAC in the encoder`)
    this.codecs = codecs
  }
}

/** What we send piles up: a player whose network stands still, or a client that asks and never listens. */
export class RtmpPeerNotReadingError extends TapedeckError {
  readonly code = 'rtmp/peer-not-reading'
  readonly origin = 'client'
  readonly unsentBytes: number
  constructor(unsentBytes: number) {
    super(`the RTMP client does not take the ${unsentBytes} bytes it was sent: check its network`)
    this.unsentBytes = unsentBytes
  }
}

/** A command came in an order that makes no sense: publish before connect, streams without end. */
export class RtmpCommandError extends TapedeckError {
  readonly code = 'rtmp/command-refused'
  readonly origin = 'client'
  readonly command: string
  constructor(command: string, reason: string) {
    super(`RTMP command ${JSON.stringify(command.slice(0, 100))} refused: ${reason}`)
    this.command = command
  }
}

/** A player's path that nobody publishes. */
export class RtmpStreamNotFoundError extends TapedeckError {
  readonly code = 'rtmp/stream-not-found'
  readonly origin = 'client'
  readonly path: string
  constructor(path: string) {
    super(`nobody publishes ${path}: start the publisher first, or check the name`)
    this.path = path
  }
}
