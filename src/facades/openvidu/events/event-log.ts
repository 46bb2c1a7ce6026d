import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebhookSettings } from '../configuration/settings.ts'
import type { Desk } from '../desk.ts'
import type { EventSink, SessionEventText } from './event-sink.ts'

/** Events that wait for the endpoint; when it is away for longer, the newest are lost, and the log says so. */
const MAX_WAITING = 10_000
const REQUEST_TIMEOUT_MS = 10_000
/** Times that an endpoint which can't be reached is tried; together some minutes. */
const MAX_ATTEMPTS = 9
const FIRST_PAUSE_MS = 500
const CLOSE_PATIENCE_MS = 2_000
/** The log file is read whole by whoever asks for it. */
const MAX_SERVED_BYTES = 16 * 1024 * 1024

/** The vendor's two sinks of events: its log file, and its webhook. spec section 6. */
export class EventLog implements EventSink, AsyncDisposable {
  readonly #desk: Desk
  readonly #file: string
  readonly #closing = new AbortController()
  #waiting = 0
  #lines: Promise<void> = Promise.resolve()
  #posts: Promise<void> = Promise.resolve()

  constructor(desk: Desk, { file }: { readonly file: string }) {
    this.#desk = desk
    this.#file = file
  }

  emit({ name, only, body }: SessionEventText): void {
    const { cdr, webhook } = this.#desk.settings
    if (cdr && only !== 'webhook') this.#write(`${JSON.stringify({ [name]: body })}\n`)
    if (webhook?.events.includes(name) === true && only !== 'log') {
      this.#post(webhook, name, JSON.stringify({ ...body, event: name }))
    }
  }

  /** What the log file says; its end, when it is very long. */
  async text(): Promise<string> {
    await this.#lines
    try {
      return (await readFile(this.#file)).subarray(-MAX_SERVED_BYTES).toString('utf8')
    } catch {
      return ''
    }
  }

  /** What the endpoint has not taken within two seconds is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines
    await Promise.race([this.#posts, sleep(CLOSE_PATIENCE_MS, undefined, { ref: false })])
    this.#closing.abort()
    await this.#posts
  }

  #write(line: string): void {
    this.#lines = this.#lines
      .then(async () => {
        await mkdir(dirname(this.#file), { recursive: true })
        await appendFile(this.#file, line)
      })
      .catch((err: unknown) => this.#desk.runtime.log.error({ event: 'facade.event-not-logged', err }))
  }

  /** One after the other, so that they arrive in order. */
  #post(webhook: WebhookSettings, name: string, body: string): void {
    const { log } = this.#desk.runtime
    if (this.#waiting >= MAX_WAITING) {
      log.error({ event: 'facade.webhook-event-lost', name, waiting: this.#waiting })
      return
    }
    this.#waiting++
    this.#posts = this.#posts
      .then(() => this.#deliver(webhook, body))
      .catch((err: unknown) => log.error({ event: 'facade.webhook-event-lost', name, err }))
      .finally(() => this.#waiting--)
  }

  /** An endpoint that answers has it, whatever it answers; one that can't be reached is tried again. */
  async #deliver({ endpoint, headers }: WebhookSettings, body: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await fetch(endpoint, {
          method: 'POST',
          headers: [
            ['content-type', 'application/json'],
            ...headers.map(([name, value]): [string, string] => [name, value]),
          ],
          body,
          redirect: 'manual',
          signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        })
        await answer.body?.cancel()
        if (!answer.ok) {
          this.#desk.runtime.log.warn({
            event: 'facade.webhook-refused',
            endpoint: hostOf(endpoint),
            status: answer.status,
          })
        }
        return
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || this.#closing.signal.aborted) throw error
        await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal: this.#closing.signal })
      }
    }
  }
}

/** The rest of an address may hold a secret. */
function hostOf(endpoint: string): string {
  return new URL(endpoint).host
}
