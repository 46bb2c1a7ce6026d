import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http'
import { Agent, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { relayedPlaylist } from './relayed-playlist.ts'

/** Larger than any playlist: an hour of one-second segments is a tenth of it. */
const MAX_PLAYLIST_BYTES = 4 * 1024 * 1024
const PLAYLIST_START = '#EXTM3U'

/** What libav asks with, and what it is told. */
const REQUEST_HEADERS = ['range', 'user-agent', 'accept', 'icy-metadata'] as const
const RESPONSE_HEADERS = ['content-type', 'content-range', 'accept-ranges', 'content-length'] as const

/**
 * Fetches over HTTPS for libavformat, on a loopback port only it knows how to ask: every certificate is verified as Node
 * does it. libavformat itself verifies the first connection of HLS at most, and none of its segments.
 */
export class HttpsRelay implements AsyncDisposable {
  readonly #server: Server
  /** Nobody else on this machine shall fetch through us. */
  readonly #secret = randomBytes(16).toString('hex')
  readonly #agent = new Agent({ keepAlive: true })
  readonly #origin: string
  readonly #authorization: string | undefined
  readonly #timeoutMs: number
  /** Why the last request was not answered. */
  problem: Error | undefined

  private constructor(url: URL, timeoutMs: number) {
    const { username, password } = url
    this.#origin = url.origin
    this.#timeoutMs = timeoutMs
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    this.#authorization = username === '' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`
    this.#server = createServer((asked, answer) => this.#relay(asked, answer))
  }

  /** @param timeoutMs without an answer, or more of it, a request is given up */
  static async open(url: URL, timeoutMs: number): Promise<HttpsRelay> {
    const relay = new HttpsRelay(url, timeoutMs)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  /** What to ask instead of an address of `https:`. */
  relayed({ host, pathname, search }: URL): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/${this.#secret}/${host}${pathname}${search}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #relay(asked: IncomingMessage, answer: ServerResponse): void {
    const [, secret, host = '', rest = ''] = /^\/([0-9a-f]+)\/([^/?]+)(.*)$/.exec(asked.url ?? '') ?? []
    const url = URL.parse(`https://${host}${rest}`)
    if (secret !== this.#secret || url === null || asked.method !== 'GET') {
      answer.writeHead(404).end()
      return
    }
    const headers = picked(asked, REQUEST_HEADERS)
    // What opens one host is no other's to see.
    if (url.origin === this.#origin && this.#authorization !== undefined) headers.authorization = this.#authorization
    const fetching = request(url, { agent: this.#agent, headers, timeout: this.#timeoutMs })
    answer.once('close', () => fetching.destroy())
    fetching.once('timeout', () => fetching.destroy(new Error(`no answer within ${this.#timeoutMs} ms`)))
    fetching.once('error', (error) => {
      if (answer.destroyed) return
      this.problem = error
      if (answer.headersSent) answer.destroy()
      else answer.writeHead(502).end()
    })
    fetching.once('response', (response) => {
      this.problem = undefined
      this.#answer(url, response, answer).catch((error: unknown) => {
        this.problem = error instanceof Error ? error : new Error(String(error))
        fetching.destroy()
        answer.destroy()
      })
    })
    fetching.end()
  }

  async #answer(url: URL, response: IncomingMessage, answer: ServerResponse): Promise<void> {
    const status = response.statusCode ?? 502
    const headers = picked(response, RESPONSE_HEADERS)
    const target = response.headers.location === undefined ? null : URL.parse(response.headers.location, url.href)
    if (target !== null) {
      if (target.protocol !== 'https:') throw new Error(`it sends us on to ${target.protocol}, which is not verified`)
      headers.location = this.relayed(target)
    }
    const iterator = response.iterator({ destroyOnReturn: true })
    const first = await iterator.next()
    const beginning: Buffer = first.done === true ? Buffer.alloc(0) : first.value
    // Asked for all from the start, some answer with a range, which is the whole playlist as well.
    if (status < 300 && beginning.subarray(0, PLAYLIST_START.length).toString() === PLAYLIST_START) {
      const pieces = [beginning]
      let bytes = beginning.length
      for await (const piece of iterator) {
        pieces.push(piece)
        bytes += piece.length
        if (bytes > MAX_PLAYLIST_BYTES) throw new Error('the playlist is too long')
      }
      const text = Buffer.from(relayedPlaylist(Buffer.concat(pieces).toString(), url, (each) => this.relayed(each)))
      const type = response.headers['content-type'] ?? 'application/vnd.apple.mpegurl'
      answer.writeHead(200, { 'content-type': type, 'content-length': text.length }).end(text)
      return
    }
    answer.writeHead(status, headers)
    answer.write(beginning)
    for await (const piece of iterator) {
      if (!answer.write(piece)) await Promise.race([once(answer, 'drain'), once(answer, 'close')])
      if (answer.destroyed) return
    }
    answer.end()
  }
}

function picked({ headers }: IncomingMessage, names: readonly string[]): OutgoingHttpHeaders {
  const found = names.map((name): [string, string | string[] | undefined] => [name, headers[name]])
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}
