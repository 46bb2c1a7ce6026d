/** One server-sent event; comments and `retry` are not events. */
export interface ReceivedEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** Reads server-sent events as a browser would, for tests. */
export class EventReader implements AsyncDisposable {
  readonly contentType: string | null
  readonly #abort: AbortController
  readonly #chunks: AsyncIterator<string>
  #text = ''

  private constructor(response: Response, abort: AbortController) {
    this.contentType = response.headers.get('content-type')
    this.#abort = abort
    const body = response.body ?? new ReadableStream<Uint8Array<ArrayBuffer>>()
    this.#chunks = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const abort = new AbortController()
    const response = await fetch(url, { headers, signal: abort.signal })
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
    return new EventReader(response, abort)
  }

  /** The next event. Rejects when the stream ends before. */
  async next(): Promise<ReceivedEvent> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end < 0) {
        const { done, value } = await this.#chunks.next()
        if (done === true) throw new Error('the event stream has ended')
        this.#text += value
        continue
      }
      const fields = new Map(
        this.#text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      this.#text = this.#text.slice(end + 2)
      const event = fields.get('event')
      if (event !== undefined) return { id: fields.get('id') ?? '', event, data: fields.get('data') ?? '' }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
  }
}
