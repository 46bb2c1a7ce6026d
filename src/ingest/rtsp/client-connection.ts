import { VERSION } from '#base/version.ts'
import type { HeaderFields, RtspMessage, RtspRequest, RtspResponse } from '#protocols/rtsp/message.ts'
import { sequenceOf, writeRequest, writeResponse } from '#protocols/rtsp/message.ts'
import { RtspReader, type RtspReaderSink } from '#protocols/rtsp/reader.ts'
import { PullRefusedError } from '../pull/errors.ts'
import type { ClientLink } from './client-link.ts'
import type { ClientLogin } from './client-login.ts'

/** Answers to one challenge: the first, and one more where its nonce has expired. */
const MAX_LOGIN_ATTEMPTS = 3
const FIRST_FRAME_BYTES = 4

export interface ClientConnectionOptions {
  /** For errors: credentials hidden. */
  readonly shown: string
  readonly login: ClientLogin
  /** An interleaved frame; borrowed. */
  readonly frame: (channel: number, bytes: Uint8Array, start: number, end: number) => void
  /** The server wants something that is not answered here. */
  readonly asked: (request: RtspRequest) => void
}

interface Waiting {
  readonly sequence: number
  resolve(response: RtspResponse): void
  reject(error: unknown): void
}

/** A client's end of an RTSP connection: requests and their answers, logins, interleaved frames. RFC 2326 §1.4, §10. */
export class ClientConnection implements RtspReaderSink {
  readonly #options: ClientConnectionOptions
  readonly #reader = new RtspReader(this)
  #link: ClientLink | undefined
  #sequence = 0
  #waiting: Waiting[] = []
  #failure: { readonly error: unknown } | undefined
  #session = ''

  constructor(options: ClientConnectionOptions) {
    this.#options = options
  }

  /** The connection is there. Bytes may have come before. */
  use(link: ClientLink): void {
    this.#link = link
  }

  /** Goes with every request from now on. RFC 2326 §12.37. */
  set session(id: string) {
    this.#session = id
  }

  /** @throws {RtspMessageError} the connection can't be read on */
  received(bytes: Uint8Array): void {
    this.#reader.push(bytes)
  }

  /**
   * Asks, with the login where one is asked for.
   * @param accepts statuses that are answers like any other; by default only those from 200 to 399 are
   * @throws {PullRefusedError} any other
   */
  async request(
    method: string,
    uri: string,
    fields: HeaderFields = [],
    accepts: (status: number) => boolean = (status) => status >= 200 && status < 400,
  ): Promise<RtspResponse> {
    const { login, shown } = this.#options
    for (let attempt = 1; ; attempt++) {
      const response = await this.#send(method, uri, [...fields])
      const { status, reason, headers } = response
      const isLogin = status === 401 && attempt < MAX_LOGIN_ATTEMPTS
      if (isLogin && login.challenged(headers.all('WWW-Authenticate'))) continue
      if (accepts(status)) return response
      throw new PullRefusedError(shown, `${method}: ${status}`, reason.slice(0, 300))
    }
  }

  /** An interleaved frame of ours. RFC 2326 §10.12. */
  sendFrame(channel: number, bytes: Uint8Array): void {
    const frame = new Uint8Array(FIRST_FRAME_BYTES + bytes.length)
    frame.set([0x24, channel, bytes.length >>> 8, bytes.length & 0xff])
    frame.set(bytes, FIRST_FRAME_BYTES)
    this.#link?.write(frame)
  }

  /** Nothing more is read; who waits for an answer is told so. Idempotent. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    this.#reader.stop()
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject } of waiting) reject(error)
  }

  frame(channel: number, bytes: Uint8Array, start: number, end: number): void {
    this.#options.frame(channel, bytes, start, end)
  }

  message(message: RtspMessage): void {
    if (message.kind === 'request') this.#request(message)
    else this.#response(message)
  }

  #send(method: string, uri: string, fields: (readonly [string, string | number])[]): Promise<RtspResponse> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    const sequence = ++this.#sequence
    const authorization = this.#options.login.answer(method, uri)
    const session = this.#session === '' || method === 'OPTIONS' ? [] : ([['Session', this.#session]] as const)
    const { promise, resolve, reject } = Promise.withResolvers<RtspResponse>()
    this.#waiting.push({ sequence, resolve, reject })
    this.#link?.write(
      writeRequest(method, uri, [
        ['CSeq', sequence],
        ['User-Agent', `Tapedeck/${VERSION}`],
        ...session,
        ...(authorization === undefined ? [] : ([['Authorization', authorization]] as const)),
        ...fields,
      ]),
    )
    return promise
  }

  #response(response: RtspResponse): void {
    const sequence = sequenceOf(response)
    // Some cameras leave the number out, and all answer in order.
    const at = sequence === undefined ? 0 : this.#waiting.findIndex((each) => each.sequence === sequence)
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1)
    waiting?.resolve(response)
  }

  /** Servers that look whether we are still there get an answer; what else they want is not done here. */
  #request(request: RtspRequest): void {
    const isAlive = ['OPTIONS', 'GET_PARAMETER', 'SET_PARAMETER', 'TEARDOWN', 'REDIRECT'].includes(request.method)
    const sequence = sequenceOf(request)
    this.#link?.write(writeResponse(isAlive ? 200 : 501, sequence === undefined ? [] : [['CSeq', sequence]]))
    this.#options.asked(request)
  }
}
