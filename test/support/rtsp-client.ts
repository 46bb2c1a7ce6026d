import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type HeaderFields, type RtspResponse, sequenceOf, writeRequest } from '#protocols/rtsp/message.ts'
import { RtspReader } from '#protocols/rtsp/reader.ts'

/** An interleaved frame that came. */
export interface Frame {
  readonly channel: number
  readonly payload: Buffer
}

/** The other end of an RTSP connection, which does what the test says and nothing by itself. */
export class RtspClient implements AsyncDisposable {
  readonly socket: Socket
  readonly frames: Frame[] = []
  readonly #responses: RtspResponse[] = []
  readonly #happened = new EventTarget()
  #sequence = 0
  #session = ''
  #isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    const reader = new RtspReader({
      message: (message) => {
        if (message.kind === 'response') this.#responses.push(message)
      },
      frame: (channel, bytes, start, end) => {
        this.frames.push({ channel, payload: Buffer.from(bytes.subarray(start, end)) })
      },
    })
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes)
      this.#happened.dispatchEvent(new Event('event'))
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#happened.dispatchEvent(new Event('event'))
    })
  }

  static async open(port: number, options: { tls?: boolean } = {}): Promise<RtspClient> {
    const socket = options.tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1' })
    await once(socket, options.tls ? 'secureConnect' : 'connect')
    return new RtspClient(socket)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Asks within the session, if there is one, and waits for the answer. */
  async request(method: string, uri: string, fields: HeaderFields = [], body?: string): Promise<RtspResponse> {
    const sequence = ++this.#sequence
    const session = this.#session === '' ? [] : [['Session', this.#session] as const]
    const bytes = writeRequest(method, uri, [['CSeq', sequence], ...session, ...fields], Buffer.from(body ?? ''))
    this.socket.write(bytes)
    const response = await this.until(() => this.#responses.find((each) => sequenceOf(each) === sequence))
    this.#session = response.headers.get('Session')?.split(';')[0] ?? this.#session
    return response
  }

  /** Asks, and fails the test when the answer is another status. */
  async expect(
    status: number,
    method: string,
    uri: string,
    fields: HeaderFields = [],
    body?: string,
  ): Promise<RtspResponse> {
    const response = await this.request(method, uri, fields, body)
    assert.equal(response.status, status, `${method}: ${response.status} ${response.reason}`)
    return response
  }

  frame(channel: number, payload: Uint8Array): void {
    this.socket.write(Buffer.concat([Uint8Array.of(0x24, channel, payload.length >> 8, payload.length & 255), payload]))
  }

  /** Frames of a channel so far. */
  of(channel: number): Buffer[] {
    return this.frames.filter((each) => each.channel === channel).map(({ payload }) => payload)
  }

  /** Waits for something that the connection brings. */
  async until<Value>(find: () => Value | undefined | false): Promise<Value> {
    const signal = AbortSignal.timeout(60_000)
    for (;;) {
      const found = find()
      if (found !== undefined && found !== false) return found
      if (this.#isClosed) throw new Error('the server has closed the connection')
      await once(this.#happened, 'event', { signal })
    }
  }

  /** Waits until the server closes. */
  async closed(): Promise<void> {
    const signal = AbortSignal.timeout(60_000)
    while (!this.#isClosed) await once(this.#happened, 'event', { signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.closed()
  }
}
