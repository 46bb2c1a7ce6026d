import { ConnectionError, ServerError } from './errors.ts'

/** Long enough for a server busy with its disk. */
const TIMEOUT_MS = 15_000

/** Where the server is, and who asks. */
export interface ServerOptions {
  /** Ends with a slash. */
  readonly url: URL
  /** Publishes and plays; empty: the server asks for none. */
  readonly token: string
  /** Starts and stops recordings; the same where one credential may do both. */
  readonly recordToken: string
  readonly fetch: typeof fetch
}

/** One request as the server is to see it. */
export interface ServerRequest {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly token: string
  /** Goes out although the page is being left. */
  readonly keepalive?: boolean
  readonly timeoutMs?: number
}

/** The server's HTTP, with its refusals as typed errors. */
export class Server {
  readonly #options: ServerOptions

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get token(): string {
    return this.#options.token
  }

  get recordToken(): string {
    return this.#options.recordToken
  }

  /** An address below the server's own; a stream's slashes stay slashes. */
  address(folder: 'whip' | 'whep' | 'api/v1', path: string): URL {
    return new URL(`${folder}/${path}`, this.#options.url)
  }

  /** @throws {ServerError} it refuses @throws {ConnectionError} `client/unreachable` */
  async send(url: URL, { method, headers = {}, body, token, keepalive, timeoutMs }: ServerRequest): Promise<Response> {
    const { fetch } = this.#options
    const response = await fetch(url, {
      method,
      headers: { ...headers, ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
      ...(keepalive === true ? { keepalive } : {}),
    }).catch((error: unknown) => {
      throw new ConnectionError(
        'client/unreachable',
        `${url.origin} does not answer. Is it running, and allowed for this page?`,
        error,
      )
    })
    if (!response.ok) throw await refusalOf(response)
    return response
  }
}

/** Stream paths have slashes of their own. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** RFC 9457; whatever else stands in between may answer with a page of its own. */
async function refusalOf(response: Response): Promise<ServerError> {
  const text = await response.text().catch(() => '')
  const { code, detail, title } = problemIn(text)
  return new ServerError(
    response.status,
    code ?? 'client/refused',
    detail ?? title ?? `The server answered with status ${response.status}.`,
  )
}

/** The fields of a problem document, or none. */
export function problemIn(text: string): { code?: string; detail?: string; title?: string } {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : {}
  } catch {
    return {}
  }
}
