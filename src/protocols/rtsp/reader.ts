import { copyInto } from '#media/bytes.ts'
import { RtspMessageError } from './errors.ts'
import { parseHead, type RtspMessage } from './message.ts'

/** Start line and header fields of one message together; Digest answers with long nonces stay below 2 kB. */
const MAX_HEAD_BYTES = 16 * 1024

/** The largest body that anybody has a reason to send: a session description with many parameter sets has 4 kB. */
const MAX_BODY_BYTES = 64 * 1024

const DOLLAR = 0x24
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
/** Dollar sign, channel, length in 16 bits. */
const FRAME_HEAD_BYTES = 4

/** Takes what an RTSP connection brings, in its order. */
export interface RtspReaderSink {
  message(message: RtspMessage): void
  /** An interleaved frame (RFC 2326 §10.12): `bytes[start, end)` is borrowed for the call. */
  frame(channel: number, bytes: Uint8Array, start: number, end: number): void
}

/**
 * Bytes of an RTSP connection → messages and interleaved frames. Frames that came whole are handed over where they
 * lie; at most one frame or message is kept from one call to the next.
 */
export class RtspReader {
  readonly #sink: RtspReaderSink
  #state: 'idle' | 'frame' | 'head' | 'body' | 'stopped' = 'idle'
  #pending = new Uint8Array(2048)
  #pendingBytes = 0
  /** Of the frame or body in `#pending`, once known. */
  #wantedBytes = 0
  #lines: string[] = []
  #headBytes = 0
  #message: RtspMessage | undefined

  constructor(sink: RtspReaderSink) {
    this.#sink = sink
  }

  /** @throws {RtspMessageError} the connection can't be read on */
  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      switch (this.#state) {
        case 'idle':
          at = this.#begin(bytes, at)
          break
        case 'frame':
          at = this.#fillFrame(bytes, at)
          break
        case 'head':
          at = this.#fillHead(bytes, at)
          break
        case 'body':
          at = this.#fillBody(bytes, at)
          break
        case 'stopped':
          return
      }
    }
  }

  /** Nothing more is handed over, also of what is being read right now. */
  stop(): void {
    this.#state = 'stopped'
  }

  #begin(bytes: Uint8Array, start: number): number {
    let at = start
    const first = bytes[at] ?? 0
    if (first !== DOLLAR) {
      // Empty lines between messages are nothing (RFC 2616 §4.1).
      if (first === LINE_FEED || first === CARRIAGE_RETURN) return at + 1
      this.#state = 'head'
      this.#headBytes = 0
      return at
    }
    while (at + FRAME_HEAD_BYTES <= bytes.length && bytes[at] === DOLLAR) {
      const end = at + FRAME_HEAD_BYTES + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))
      if (end > bytes.length) break
      this.#sink.frame(bytes[at + 1] ?? 0, bytes, at + FRAME_HEAD_BYTES, end)
      if (this.#state === 'stopped') return end
      at = end
    }
    if (at < bytes.length && bytes[at] === DOLLAR) {
      this.#state = 'frame'
      this.#wantedBytes = FRAME_HEAD_BYTES
    }
    return at
  }

  #fillFrame(bytes: Uint8Array, start: number): number {
    let at = this.#take(bytes, start)
    if (this.#pendingBytes < this.#wantedBytes) return at
    if (this.#wantedBytes === FRAME_HEAD_BYTES) {
      this.#wantedBytes += ((this.#pending[2] ?? 0) << 8) | (this.#pending[3] ?? 0)
      at = this.#take(bytes, at)
      if (this.#pendingBytes < this.#wantedBytes) return at
    }
    const end = this.#wantedBytes
    this.#pendingBytes = 0
    this.#state = 'idle'
    this.#sink.frame(this.#pending[1] ?? 0, this.#pending, FRAME_HEAD_BYTES, end)
    return at
  }

  #fillHead(bytes: Uint8Array, start: number): number {
    const newline = bytes.indexOf(LINE_FEED, start)
    const end = newline < 0 ? bytes.length : newline + 1
    this.#headBytes += end - start
    if (this.#headBytes > MAX_HEAD_BYTES) throw new RtspMessageError(`more than ${MAX_HEAD_BYTES} bytes of header`)
    this.#wantedBytes = this.#pendingBytes + end - start
    this.#take(bytes, start)
    if (newline < 0) return end
    const line = Buffer.from(this.#pending.buffer, this.#pending.byteOffset, this.#pendingBytes)
      .toString('utf8')
      .replace(/\r?\n$/, '')
    this.#pendingBytes = 0
    if (line !== '') this.#lines.push(line)
    // What does not begin like a message will not become one: no need to wait for the rest.
    if (this.#lines.length === 1 && line !== '') parseHead(this.#lines)
    if (line === '') this.#headComplete()
    return end
  }

  #headComplete(): void {
    const message = parseHead(this.#lines)
    this.#lines = []
    const length = message.headers.get('Content-Length') ?? '0'
    if (!/^\d{1,9}$/.test(length)) throw new RtspMessageError('a Content-Length that is no number')
    const bodyBytes = Number(length)
    if (bodyBytes > MAX_BODY_BYTES) throw new RtspMessageError(`a body of ${bodyBytes} bytes`)
    if (bodyBytes === 0) {
      this.#state = 'idle'
      this.#sink.message(message)
      return
    }
    this.#message = message
    this.#wantedBytes = bodyBytes
    this.#state = 'body'
  }

  #fillBody(bytes: Uint8Array, start: number): number {
    const at = this.#take(bytes, start)
    const message = this.#message
    if (this.#pendingBytes < this.#wantedBytes || message === undefined) return at
    const body = this.#pending.slice(0, this.#wantedBytes)
    this.#pendingBytes = 0
    this.#message = undefined
    this.#state = 'idle'
    this.#sink.message({ ...message, body })
    return at
  }

  /** Moves what is wanted and there into `#pending`. */
  #take(bytes: Uint8Array, start: number): number {
    const end = Math.min(bytes.length, start + this.#wantedBytes - this.#pendingBytes)
    if (this.#wantedBytes > this.#pending.length) {
      const larger = new Uint8Array(Math.max(this.#wantedBytes, 2 * this.#pending.length))
      larger.set(this.#pending.subarray(0, this.#pendingBytes))
      this.#pending = larger
    }
    copyInto(this.#pending, this.#pendingBytes, bytes, start, end)
    this.#pendingBytes += end - start
    return end
  }
}
