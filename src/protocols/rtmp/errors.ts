import { TapedeckError } from '#base/error.ts'

/** The first 1537 bytes are not an RTMP handshake: a port scanner, a browser, RTMPE, or TLS on the plain port. */
export class RtmpHandshakeError extends TapedeckError {
  readonly code = 'rtmp/handshake-invalid'
  readonly origin = 'client'
  /** The version byte received; 3 is right. */
  readonly version: number
  constructor(version: number) {
    const hint = version === 0x16 ? 'this is TLS: use rtmps:// with the TLS port' : 'is this an RTMP client?'
    super(`RTMP handshake begins with version ${version} instead of 3: ${hint}`)
    this.version = version
  }
}

/** A chunk that contradicts the specification or what came before it on its chunk stream. */
export class RtmpChunkError extends TapedeckError {
  readonly code = 'rtmp/chunk-malformed'
  readonly origin = 'publisher'
  readonly chunkStreamId: number
  readonly reason: string
  constructor(chunkStreamId: number, reason: string) {
    super(`RTMP chunk on chunk stream ${chunkStreamId} ${reason}: the encoder or the network damaged the connection`)
    this.chunkStreamId = chunkStreamId
    this.reason = reason
  }
}

export class RtmpChunkSizeError extends TapedeckError {
  readonly code = 'rtmp/chunk-size-exceeded'
  readonly origin = 'publisher'
  readonly requestedBytes: number
  readonly limitBytes: number
  constructor(requestedBytes: number, limitBytes: number) {
    super(
      `peer asked for chunks of ${requestedBytes} bytes, 1 to ${limitBytes} are possible: change the encoder's chunk size`,
    )
    this.requestedBytes = requestedBytes
    this.limitBytes = limitBytes
  }
}

export class RtmpMessageSizeError extends TapedeckError {
  readonly code = 'rtmp/message-size-exceeded'
  readonly origin = 'publisher'
  readonly messageBytes: number
  readonly limitBytes: number
  constructor(messageBytes: number, limitBytes: number) {
    super(
      `RTMP messages in progress take ${messageBytes} bytes, the limit is ${limitBytes}: raise rtmp.maxMessageBytes if this encoder is right`,
    )
    this.messageBytes = messageBytes
    this.limitBytes = limitBytes
  }
}

export class RtmpChunkStreamsError extends TapedeckError {
  readonly code = 'rtmp/chunk-streams-exceeded'
  readonly origin = 'publisher'
  readonly limit: number
  constructor(limit: number) {
    super(`peer uses more than ${limit} chunk streams: raise rtmp.maxChunkStreams if this encoder is right`)
    this.limit = limit
  }
}

/** A message whose body does not have the form of its type. */
export class RtmpMessageError extends TapedeckError {
  readonly code = 'rtmp/message-malformed'
  readonly origin = 'publisher'
  readonly typeId: number
  readonly reason: string
  constructor(typeId: number, reason: string) {
    super(`RTMP message of type ${typeId} ${reason}: the encoder sent a damaged message`)
    this.typeId = typeId
    this.reason = reason
  }
}
