import type {
  DeliveryDocument,
  DeliveryPage,
  DeliveryState,
  DeliveryWithBody,
  HookDocument,
  PullDocument,
  RecordingDocument,
  RecordingPage,
  RecordingState,
  RuleDocument,
  RuleFields,
  RulePreview,
  ServerDocument,
  StreamDocument,
} from './documents.ts'
import { problemOf, UnreachableError } from './problem.ts'

/** Long enough for a server busy with its disk, short enough to notice that it is gone. */
const QUERY_TIMEOUT_MS = 8_000
/** Stopping answers when the file is final, and a file that outgrew its index room takes a moment. */
const COMMAND_TIMEOUT_MS = 60_000

/** What a page of the library is asked for. Empty strings mean: any. */
export interface LibraryQuery {
  readonly stream: string
  readonly state: RecordingState | ''
  readonly limit: number
  /** From the page before. */
  readonly cursor?: string | undefined
}

/** Which webhook deliveries are asked for. Empty strings mean: any. */
export interface DeliveryQuery {
  readonly state: DeliveryState | ''
  readonly recording: string
  readonly limit: number
  /** From the page before. */
  readonly cursor?: string | undefined
}

/** Where the client gets its network and its credential; tests give their own. */
export interface ClientOptions {
  /** Ends in `/api/v1/`. */
  readonly baseUrl: string
  readonly fetch: typeof fetch
  /** Empty when none is known. Asked anew for every request. */
  readonly token: () => string
}

/**
 * The REST API as functions. Every method rejects with ProblemError when the server refuses and UnreachableError when it
 * is away.
 */
export class ApiClient {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  async server(): Promise<ServerDocument> {
    return this.#json('GET', 'server')
  }

  async streams(): Promise<readonly StreamDocument[]> {
    const answer = await this.#json<{ streams: readonly StreamDocument[] }>('GET', 'streams')
    return answer.streams
  }

  async recordings(query: LibraryQuery): Promise<RecordingPage> {
    const parameters = new URLSearchParams({ limit: String(query.limit) })
    if (query.stream !== '') parameters.set('stream', query.stream)
    if (query.state !== '') parameters.set('state', query.state)
    if (query.cursor !== undefined) parameters.set('cursor', query.cursor)
    return this.#json('GET', `recordings?${parameters.toString()}`)
  }

  async recording(id: string): Promise<RecordingDocument> {
    return this.#json('GET', `recordings/${encodeURIComponent(id)}`)
  }

  async record(request: { stream: string; format: string }): Promise<RecordingDocument> {
    return this.#json('POST', 'recordings', request)
  }

  /** Resolves when the file is final. */
  async stop(id: string): Promise<RecordingDocument> {
    return this.#json('POST', `recordings/${encodeURIComponent(id)}/stop`)
  }

  async setHeld(id: string, held: boolean): Promise<RecordingDocument> {
    return this.#json('PATCH', `recordings/${encodeURIComponent(id)}`, { held })
  }

  async remove(id: string): Promise<void> {
    await this.#request('DELETE', `recordings/${encodeURIComponent(id)}`)
  }

  /** All of them, the first match first. */
  async rules(): Promise<readonly RuleDocument[]> {
    const answer = await this.#json<{ rules: readonly RuleDocument[] }>('GET', 'rules')
    return answer.rules
  }

  /** What is left out is as the server likes it. */
  async addRule(rule: Pick<RuleFields, 'match'> & Partial<RuleFields>): Promise<RuleDocument> {
    return this.#json('POST', 'rules', rule)
  }

  /** Keeps nothing. */
  async previewRule(rule: Pick<RuleFields, 'match' | 'request'>): Promise<RulePreview> {
    return this.#json('POST', 'rules/preview', rule)
  }

  /** `request` is replaced as a whole. */
  async changeRule(id: string, change: Partial<RuleFields>): Promise<RuleDocument> {
    return this.#json('PATCH', `rules/${encodeURIComponent(id)}`, change)
  }

  /** With `stop`, recordings it has started end, and the answer comes when they are final. */
  async removeRule(id: string, options: { readonly stop: boolean }): Promise<void> {
    await this.#request('DELETE', `rules/${encodeURIComponent(id)}${options.stop ? '?stop=true' : ''}`)
  }

  async pulls(): Promise<readonly PullDocument[]> {
    const answer = await this.#json<{ pulls: readonly PullDocument[] }>('GET', 'pulls')
    return answer.pulls
  }

  async addPull(
    pull: Pick<PullDocument, 'path' | 'url' | 'keepAlive' | 'verifyTls' | 'transport'>,
  ): Promise<PullDocument> {
    return this.#json('POST', 'pulls', pull)
  }

  async removePull(id: string): Promise<void> {
    await this.#request('DELETE', `pulls/${encodeURIComponent(id)}`)
  }

  async hooks(): Promise<readonly HookDocument[]> {
    const answer = await this.#json<{ hooks: readonly HookDocument[] }>('GET', 'hooks')
    return answer.hooks
  }

  async deliveries(query: DeliveryQuery): Promise<DeliveryPage> {
    const parameters = new URLSearchParams({ limit: String(query.limit) })
    if (query.state !== '') parameters.set('state', query.state)
    if (query.recording !== '') parameters.set('recording', query.recording)
    if (query.cursor !== undefined) parameters.set('cursor', query.cursor)
    return this.#json('GET', `webhooks/deliveries?${parameters.toString()}`)
  }

  async delivery(id: string): Promise<DeliveryWithBody> {
    return this.#json('GET', `webhooks/deliveries/${encodeURIComponent(id)}`)
  }

  /** Sends it again, or at once if it waits. */
  async replay(id: string): Promise<DeliveryDocument> {
    return this.#json('POST', `webhooks/deliveries/${encodeURIComponent(id)}/replay`)
  }

  /** Says why a media address does not work, when the server has a reason; undefined when it serves it. */
  async mediaProblem(url: string): Promise<Error | undefined> {
    const abort = new AbortController()
    try {
      const response = await this.#options.fetch(url, { signal: abort.signal })
      return response.ok ? undefined : await problemOf(response)
    } catch (error) {
      return new UnreachableError(error)
    } finally {
      abort.abort() // the headers were all we wanted: an endless stream must not keep its connection
    }
  }

  partUrl(id: string, index: number): string {
    return this.mediaUrl(`recordings/${encodeURIComponent(id)}/parts/${index}`)
  }

  downloadUrl(id: string, index: number): string {
    return this.mediaUrl(`recordings/${encodeURIComponent(id)}/parts/${index}?download=1`)
  }

  posterUrl(id: string): string {
    return this.mediaUrl(`recordings/${encodeURIComponent(id)}/poster.jpg`)
  }

  manifestUrl(id: string): string {
    return this.mediaUrl(`recordings/${encodeURIComponent(id)}/manifest`)
  }

  liveUrl(path: string): string {
    return this.mediaUrl(`streams/${path.split('/').map(encodeURIComponent).join('/')}/live.mp4`)
  }

  eventsUrl(): string {
    return this.mediaUrl('events')
  }

  /** Media elements and EventSource can't send headers: for them the token travels in the query. */
  mediaUrl(path: string): string {
    const url = new URL(path, this.#options.baseUrl)
    const token = this.#options.token()
    if (token !== '') url.searchParams.set('token', token)
    return url.href
  }

  async #json<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await this.#request(method, path, body)
    return (await response.json()) as Answer
  }

  async #request(method: string, path: string, body?: object): Promise<Response> {
    const headers = new Headers({ accept: 'application/json' })
    const token = this.#options.token()
    if (token !== '') headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined) headers.set('content-type', 'application/json')
    const timeoutMs = method === 'GET' ? QUERY_TIMEOUT_MS : COMMAND_TIMEOUT_MS
    const response = await this.#options
      .fetch(new URL(path, this.#options.baseUrl), {
        method,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      .catch((error: unknown) => {
        throw new UnreachableError(error)
      })
    if (!response.ok) throw await problemOf(response)
    return response
  }
}
