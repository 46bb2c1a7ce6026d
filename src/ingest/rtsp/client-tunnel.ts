import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { errorMessage } from '#base/error.ts'
import { parseHead, type RtspResponse } from '#protocols/rtsp/message.ts'
import { connectSocket, endsOf } from '../pull/connect-socket.ts'
import {
  PullConnectionLostError,
  PullProtocolError,
  PullRefusedError,
  PullStreamNotFoundError,
} from '../pull/errors.ts'
import { openTransport, type ReadWish, type Transport, type TransportUser } from '../tcp/transport.ts'
import type { ClientLink, LinkMeans } from './client-link.ts'
import type { ClientLogin } from './client-login.ts'
import type { RtspUrl } from './client-url.ts'

const TYPE = 'application/x-rtsp-tunnelled'
/** Servers read on behind it; nobody who speaks this has ever meant it. */
const POST_LENGTH = 32_767
const MAX_HEAD_BYTES = 16 * 1024
const HTTP = Buffer.from('HTTP/')
/** One who asks for a login, and one whose nonce has expired. */
const MAX_ATTEMPTS = 3

/**
 * RTSP within HTTP, for networks that let nothing else through: the answer to a GET brings messages and media, the body
 * of a POST takes ours, in base64; a cookie ties them together. As QuickTime did it ("Tunnelling RTSP and RTP over
 * HTTP"), and cameras since.
 * @throws {PullConnectError | PullRefusedError | PullStreamNotFoundError | PullProtocolError}
 */
export async function openTunnel(
  url: RtspUrl,
  means: LinkMeans,
  login: ClientLogin,
  user: TransportUser,
): Promise<ClientLink> {
  for (let attempt = 1; ; attempt++) {
    const cookie = randomBytes(11).toString('hex')
    const download = new Download(url, user)
    const ends = await download.open(means, head('GET', url, cookie, login, [['Accept', TYPE]]))
    const { status, reason, headers } = await download.head
    if (status === 200) {
      const upload = await openUpload(url, means, cookie, login, user).catch((error: unknown) => {
        download.destroy()
        throw error
      })
      return {
        ends,
        write: (bytes) => upload.write(Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1')),
        destroy() {
          upload.destroy()
          download.destroy()
        },
      }
    }
    download.destroy()
    const isWorthAnother = status === 401 && attempt < MAX_ATTEMPTS && login.challenged(headers.all('WWW-Authenticate'))
    if (isWorthAnother) continue
    if (status === 404) throw new PullStreamNotFoundError(url.shown)
    throw new PullRefusedError(url.shown, `HTTP ${status}`, reason.slice(0, 300))
  }
}

function head(
  method: 'GET' | 'POST',
  url: RtspUrl,
  cookie: string,
  login: ClientLogin,
  more: readonly (readonly [name: string, value: string])[],
): Uint8Array {
  const authorization = login.answer(method, url.path)
  const host = url.host.includes(':') ? `[${url.host}]` : url.host
  const fields = [
    ['Host', `${host}:${url.port}`],
    ['x-sessioncookie', cookie],
    ['Pragma', 'no-cache'],
    ['Cache-Control', 'no-cache'],
    ...(authorization === undefined ? [] : [['Authorization', authorization]]),
    ...more,
  ]
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return Buffer.from(`${method} ${url.path} HTTP/1.0\r\n${lines}\r\n`)
}

/** The connection that takes our messages. What its server says is not waited for: many say nothing. */
async function openUpload(
  url: RtspUrl,
  means: LinkMeans,
  cookie: string,
  login: ClientLogin,
  user: TransportUser,
): Promise<Socket> {
  const socket = await connectSocket(url, means)
  socket.setNoDelay(true)
  // The other connection tells when the tunnel is over; this one may be half closed all along.
  socket.on('error', (error) => user.closed(error))
  socket.resume()
  const length = ['Content-Length', String(POST_LENGTH)] as const
  socket.write(head('POST', url, cookie, login, [['Content-Type', TYPE], length]))
  return socket
}

/** The connection that brings everything: first an HTTP head, then what RTSP's reader understands. */
class Download implements TransportUser {
  readonly #url: RtspUrl
  readonly #user: TransportUser
  readonly #head = Promise.withResolvers<RtspResponse>()
  #transport: Transport | undefined
  #state: 'head' | 'open' | 'refused' = 'head'
  #pending: Uint8Array = new Uint8Array(0)

  constructor(url: RtspUrl, user: TransportUser) {
    this.#url = url
    this.#user = user
    // Whoever opens it looks at it later, or never when that fails.
    this.#head.promise.catch(() => {})
  }

  /** The server's answer. */
  get head(): Promise<RtspResponse> {
    return this.#head.promise
  }

  async open(means: LinkMeans, request: Uint8Array) {
    const socket = await connectSocket(this.#url, means)
    const ends = endsOf(socket)
    const aborted = () => this.destroy()
    means.signal.addEventListener('abort', aborted, { once: true })
    this.#transport = openTransport(socket, this, means.pacer, this.#url.isTls ? undefined : means.readBuffer)
    this.#transport.write(request)
    return ends
  }

  destroy(): void {
    this.#transport?.destroy()
  }

  received(bytes: Uint8Array): ReadWish {
    if (this.#state === 'open') return this.#user.received(bytes)
    if (this.#state === 'refused') return 'stop'
    const all = Buffer.concat([this.#pending, bytes])
    const end = all.indexOf('\r\n\r\n')
    const isHttp = all.length < HTTP.length || all.subarray(0, HTTP.length).equals(HTTP)
    if (isHttp && end < 0 && all.length <= MAX_HEAD_BYTES) {
      this.#pending = all
      return 'now'
    }
    this.#pending = new Uint8Array(0)
    try {
      if (!isHttp) throw new PullProtocolError(this.#url.shown, 'answers HTTP with something else')
      if (end < 0) throw new PullProtocolError(this.#url.shown, 'answers HTTP with a head that does not end')
      const response = parseHead(all.subarray(0, end).toString('latin1').split('\r\n'))
      if (response.kind !== 'response') throw new PullProtocolError(this.#url.shown, 'answers HTTP with a request')
      // What follows a refusal is a page for people.
      this.#state = response.status === 200 ? 'open' : 'refused'
      this.#head.resolve(response)
    } catch (error) {
      this.#state = 'refused'
      const reason = `answers HTTP with something else (${errorMessage(error)})`
      this.#head.reject(error instanceof PullProtocolError ? error : new PullProtocolError(this.#url.shown, reason))
    }
    const rest = all.subarray(end + 4)
    if (this.#state === 'refused') return 'stop'
    return rest.length === 0 ? 'now' : this.#user.received(rest)
  }

  drained(): void {}

  closed(error: Error | undefined): void {
    this.#head.reject(new PullConnectionLostError(this.#url.shown, error))
    if (this.#state === 'open') this.#user.closed(error)
  }
}
