import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'

/** One delivery as it came. */
export interface ReceivedWebhook {
  readonly delivery: string
  readonly type: string
  readonly recording: RecordingDocument | undefined
  readonly part: number | undefined
  readonly eventId: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const WAIT_MS = 60_000

/** Somebody else's web server: checks every signature as the guide says, and can be down. */
export class WebhookReceiver implements AsyncDisposable {
  /** Everything that was answered with 200, in the order it came. */
  readonly received: ReceivedWebhook[] = []
  /** What was wrong with deliveries. */
  readonly problems: string[] = []
  /** Decides the status; undefined: hang up without an answer. Default: always 200. */
  answer: (webhook: ReceivedWebhook, response: ServerResponse) => number | undefined = () => 200
  readonly port: number
  readonly #secret: string
  #server: Server

  private constructor(server: Server, secret: string) {
    this.#server = server
    this.#secret = secret
    this.port = (server.address() as AddressInfo).port
    server.on('request', (request, response) => void this.#take(request, response))
  }

  static async open(secret: string): Promise<WebhookReceiver> {
    return new WebhookReceiver(await listen(0), secret)
  }

  get isUp(): boolean {
    return this.#server.listening
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`
  }

  /** Nobody listens any more: connections are refused. */
  async goDown(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async comeBack(): Promise<void> {
    this.#server = await listen(this.port)
    this.#server.on('request', (request, response) => void this.#take(request, response))
  }

  /** Resolves once enough has come. */
  async until(what: string, isEnough: (received: readonly ReceivedWebhook[]) => boolean): Promise<void> {
    const endsMs = performance.now() + WAIT_MS
    while (!isEnough(this.received)) {
      if (performance.now() > endsMs)
        throw new Error(`waited for ${what}, came: ${this.received.map(({ type }) => type)}`)
      await sleep(20)
    }
  }

  /** What came about a recording, each once. */
  about(recording: string): readonly ReceivedWebhook[] {
    const seen = new Set<string>()
    return this.received.filter((webhook) => {
      if (webhook.recording?.id !== recording || seen.has(webhook.eventId)) return false
      seen.add(webhook.eventId)
      return true
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goDown()
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = Buffer.concat(pieces).toString()
    const header = String(request.headers['tapedeck-signature'])
    if (!isSigned(header, body, this.#secret)) this.problems.push(`bad signature ${header}`)
    const document = JSON.parse(body) as {
      id: string
      type: string
      data: { recording?: RecordingDocument; part?: { index: number } }
    }
    const webhook: ReceivedWebhook = {
      delivery: String(request.headers['tapedeck-delivery']),
      type: document.type,
      recording: document.data.recording,
      part: document.data.part?.index,
      eventId: document.id,
      headers: request.headers,
      body,
    }
    if (request.headers['tapedeck-event'] !== document.type) this.problems.push('header and body disagree on the type')
    const status = this.answer(webhook, response)
    if (status === undefined) return
    if (status === 200) this.received.push(webhook)
    if (!response.headersSent) response.writeHead(status)
    response.end()
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** As docs/guide/09-hooks.md shows it. */
function isSigned(header: string, body: string, secret: string): boolean {
  const fields = Object.fromEntries(header.split(',').map((field) => field.split('=') as [string, string]))
  const seconds = Number(fields['t'])
  const expected = createHmac('sha256', secret).update(`${fields['t']}.${body}`).digest()
  const given = Buffer.from(fields['v1'] ?? '', 'hex')
  return (
    given.length === expected.length && timingSafeEqual(given, expected) && Math.abs(Date.now() / 1000 - seconds) < 300
  )
}
