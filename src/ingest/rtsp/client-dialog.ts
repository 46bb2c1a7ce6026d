import { controlAddress } from '#protocols/rtsp/address.ts'
import { attributeOf, parseDescription, type SessionDescription } from '#protocols/rtsp/description.ts'
import type { HeaderFields, RtspResponse } from '#protocols/rtsp/message.ts'
import { parseTransport, type TransportSpec, writeTransport } from '#protocols/rtsp/transport.ts'
import { PullRefusedError, PullStreamNotFoundError } from '../pull/errors.ts'
import type { ClientConnection } from './client-connection.ts'
import type { RtspUrl } from './client-url.ts'
import type { OfferedTrack } from './offered-tracks.ts'

/** RFC 2326 §12.37: when the server does not say. */
const SESSION_TIMEOUT_SECONDS = 60
/** However short a server says that it waits. */
const MIN_KEEP_ALIVE_MS = 1_000

/** What a server describes, and what relative addresses in it are relative to. */
export interface Described {
  readonly description: SessionDescription
  readonly base: string
}

export interface ClientDialogOptions {
  readonly url: RtspUrl
  readonly connection: ClientConnection
  /** The source is somewhere else, and this session over. */
  readonly redirected: (location: string) => void
  /** The server does not know the session any more. */
  readonly forgotten: (error: PullRefusedError) => void
}

/**
 * What a player asks of a server, method by method, and what the server has said: its name, the session, how it is kept
 * alive. RFC 2326 §10.
 *
 *   options → describe → setUp* → play → (keepAlive)* → tearDown
 */
export class ClientDialog {
  readonly #options: ClientDialogOptions
  #serverName = ''
  /** What PLAY and all that follows it name. */
  #aggregate = ''
  #keepAliveEveryMs = (SESSION_TIMEOUT_SECONDS * 1000) / 2
  #keptAliveMs = 0
  #keepAliveMethod: 'GET_PARAMETER' | 'OPTIONS' = 'OPTIONS'

  constructor(options: ClientDialogOptions) {
    this.#options = options
  }

  get serverName(): string {
    return this.#serverName
  }

  /** What the server can do. One that does not like to be asked is believed to do what it must. */
  async options(): Promise<void> {
    const { connection, url } = this.#options
    const { headers } = await connection.request('OPTIONS', url.address, [], () => true)
    this.#serverName = (headers.get('Server') ?? '').slice(0, 200)
    if (/\bGET_PARAMETER\b/i.test(headers.get('Public') ?? '')) this.#keepAliveMethod = 'GET_PARAMETER'
  }

  /** Undefined: the source is somewhere else. @throws {PullStreamNotFoundError | PullRefusedError} */
  async describe(): Promise<Described | undefined> {
    const { url } = this.#options
    const response = await this.#ask('DESCRIBE', url.address, [['Accept', 'application/sdp']])
    if (response === undefined) return undefined
    const { headers, body } = response
    this.#serverName = (headers.get('Server') ?? this.#serverName).slice(0, 200)
    const description = parseDescription(Buffer.from(body).toString('utf8'))
    const named = headers.get('Content-Base') || headers.get('Content-Location') || url.address
    const base = controlAddress(url.address, named.trim())
    this.#aggregate = controlAddress(base, description.control)
    return { description, base }
  }

  /** What the server grants; undefined: it sends us elsewhere. @throws {PullRefusedError} */
  async setUp(track: OfferedTrack, wanted: Parameters<typeof writeTransport>[0]): Promise<TransportSpec | undefined> {
    const response = await this.#ask('SETUP', track.address, [['Transport', writeTransport(wanted)]])
    if (response === undefined) return undefined
    const { headers } = response
    const [id = '', ...parameters] = (headers.get('Session') ?? '').split(';')
    if (id.trim() !== '') this.#options.connection.session = id.trim()
    const [, seconds] = /timeout\s*=\s*(\d{1,6})/i.exec(parameters.join(';')) ?? []
    if (seconds !== undefined) this.#keepAliveEveryMs = Math.max(MIN_KEEP_ALIVE_MS, Number(seconds) * 500)
    const [granted] = parseTransport(headers.get('Transport') ?? '')
    const asWanted = { isMulticast: false, interleaved: undefined, clientPorts: undefined, serverPorts: undefined }
    return (
      granted ?? { ...asWanted, profile: track.profile, lower: wanted.lower, ssrc: undefined, mode: '', source: '' }
    )
  }

  /** @throws {PullRefusedError} */
  async play({ attributes }: SessionDescription): Promise<void> {
    const range = attributeOf(attributes, 'range').startsWith('npt=now') ? 'npt=now-' : 'npt=0.000-'
    await this.#ask('PLAY', this.#aggregate, [['Range', range]])
  }

  /** The session counts as used now. */
  used(nowMs: number): void {
    this.#keptAliveMs = nowMs
  }

  /** Says that the session is used, when that is due: any request does. */
  keepAlive(nowMs: number): void {
    if (nowMs - this.#keptAliveMs < this.#keepAliveEveryMs) return
    this.#keptAliveMs = nowMs
    this.#sayUsed()
  }

  /** Takes leave of the server, which else keeps sending until its own timeout. Never rejects. */
  async tearDown(): Promise<void> {
    await this.#options.connection.request('TEARDOWN', this.#aggregate, [], () => true).catch(() => {})
  }

  /** RFC 2326 §10.8: GET_PARAMETER without a body is made for it. */
  #sayUsed(): void {
    const { connection, url, forgotten } = this.#options
    const method = this.#keepAliveMethod
    connection
      .request(method, this.#aggregate, [], () => true)
      .then(({ status, reason }) => {
        if (status === 454) {
          forgotten(new PullRefusedError(url.shown, `${method}: ${status}`, reason.slice(0, 300)))
        } else if (status >= 300 && method === 'GET_PARAMETER') {
          this.#keepAliveMethod = 'OPTIONS'
          this.#sayUsed()
        }
      })
      // The connection is over, which is told elsewhere.
      .catch(() => {})
  }

  /** Undefined: the source is somewhere else, and the session over. */
  async #ask(method: string, address: string, fields: HeaderFields): Promise<RtspResponse | undefined> {
    const { connection, url, redirected } = this.#options
    const isAnswer = (status: number) => (status >= 200 && status < 400) || status === 404
    const response = await connection.request(method, address, fields, isAnswer)
    if (response.status === 404 && method === 'DESCRIBE') throw new PullStreamNotFoundError(url.shown)
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('Location') : undefined
    if (location === undefined && response.status < 300) return response
    if (location === undefined) {
      throw new PullRefusedError(url.shown, `${method}: ${response.status}`, response.reason.slice(0, 300))
    }
    redirected(location)
    return undefined
  }
}
