import { Buffer } from 'node:buffer'
import type { Readable, Writable } from 'node:stream'
import { PageBrowserError } from './errors.ts'

/** A message is a line; what is larger is no answer to anything we ask. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024
/** A browser on a machine that is busy takes seconds. */
const ANSWER_TIMEOUT_MS = 30_000

/** An event of the browser, or of one of its tabs. */
export interface CdpEvent {
  /** Empty: of the browser. */
  readonly sessionId: string
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

interface Waiting {
  readonly method: string
  readonly resolve: (result: Readonly<Record<string, unknown>>) => void
  readonly reject: (error: PageBrowserError) => void
  readonly timer: NodeJS.Timeout
}

/** The Chrome DevTools Protocol over two pipes: JSON, each message ended by a zero. */
export class Cdp {
  /** Must not throw. */
  onEvent: (event: CdpEvent) => void = () => {}
  readonly #output: Writable
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #parts: Buffer[] = []
  #bytes = 0
  #closed: PageBrowserError | undefined

  constructor(output: Writable, input: Readable) {
    this.#output = output
    output.on('error', () => {}) // its exit tells
    input.on('error', () => {})
    input.on('data', (bytes: Buffer) => this.#received(bytes))
  }

  /** @throws {PageBrowserError} it refuses, does not answer, or is gone */
  send(method: string, params: object = {}, sessionId = ''): Promise<Readonly<Record<string, unknown>>> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, unknown>>>()
    const timer = setTimeout(() => {
      this.#waiting.delete(id)
      reject(new PageBrowserError(`no answer to ${method} within ${ANSWER_TIMEOUT_MS} ms`))
    }, ANSWER_TIMEOUT_MS)
    this.#waiting.set(id, { method, resolve, reject, timer })
    this.#output.write(`${JSON.stringify({ id, method, params, ...(sessionId !== '' && { sessionId }) })}\0`)
    return promise
  }

  /** Nothing will be answered any more. */
  close(error: PageBrowserError): void {
    this.#closed ??= error
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(error)
    }
    this.#waiting.clear()
  }

  #received(bytes: Buffer): void {
    let from = 0
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, from)) {
      const text = Buffer.concat([...this.#parts, bytes.subarray(from, end)]).toString()
      this.#parts = []
      this.#bytes = 0
      from = end + 1
      this.#message(text)
    }
    const rest = bytes.subarray(from)
    if (rest.length === 0) return
    this.#bytes += rest.length
    if (this.#bytes > MAX_MESSAGE_BYTES) this.close(new PageBrowserError('it says too much at once'))
    else if (this.#closed === undefined) this.#parts.push(rest)
  }

  #message(text: string): void {
    let message: {
      id?: number
      sessionId?: string
      method?: string
      params?: Record<string, unknown>
      result?: Record<string, unknown>
      error?: { message?: string }
    }
    try {
      message = JSON.parse(text)
    } catch {
      this.close(new PageBrowserError('it does not speak the DevTools protocol'))
      return
    }
    const { id, method, sessionId = '', params = {}, result = {}, error } = message
    if (id === undefined) {
      if (method !== undefined && this.#closed === undefined) this.onEvent({ sessionId, method, params })
      return
    }
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(new PageBrowserError(`${waiting.method}: ${error.message ?? 'refused'}`))
  }
}
