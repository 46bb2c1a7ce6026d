import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ServerProcess, startServerProcess } from './server-process.ts'

const WAIT_MS = 60_000

export interface EvoAnswer<Data = unknown> {
  readonly status: 'SUCCESS' | 'FAIL'
  readonly description: string
  readonly data: Data
  readonly responseId?: string
}

/** What `record` answers, and with its status what listConfig lists. */
export interface EvoRecord {
  readonly configId: number
  readonly computedPathToFile: string
  readonly pathToFile: string
  readonly localStreamName: string
  readonly status: {
    readonly current: { readonly code: number; readonly description: string; readonly uniqueStreamId: number }
  }
  readonly [name: string]: unknown
}

/** A server that stands in for EvoStream Media Server, on free ports. */
export function startEvostream(
  folder: string,
  options: { settings?: Readonly<Record<string, string>>; env?: Readonly<Record<string, string>> } = {},
): Promise<ServerProcess> {
  const settings = {
    'facades.evostream.http.listen': '127.0.0.1:0',
    'facades.evostream.jsonCli.listen': '127.0.0.1:0',
    'facades.evostream.asciiCli.listen': '127.0.0.1:0',
    ...options.settings,
  }
  const args = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  return startServerProcess(folder, { args: ['--like', 'evostream', ...args], env: options.env ?? {} })
}

/** Its HTTP interface as the vendor's wrappers use it. */
export class EvoClient {
  readonly #base: string

  constructor({ facades }: ServerProcess) {
    this.#base = `http://${facades['evostream']?.['http']}`
  }

  /** @param parameters `key=value key=value` */
  async command<Data = unknown>(name: string, parameters = ''): Promise<EvoAnswer<Data>> {
    const query = parameters === '' ? '' : `?params=${encodeURIComponent(Buffer.from(parameters).toString('base64'))}`
    const { status, body } = await this.raw(`/${name}${query}`)
    assert.equal(status, 200)
    return JSON.parse(body) as EvoAnswer<Data>
  }

  /** @throws unless it succeeds */
  async success<Data = EvoRecord>(name: string, parameters = ''): Promise<Data> {
    const answer = await this.command<Data>(name, parameters)
    assert.equal(answer.status, 'SUCCESS', `${name} ${parameters}: ${answer.description}`)
    return answer.data
  }

  async raw(path: string, init: RequestInit = {}): Promise<{ status: number; headers: Headers; body: string }> {
    const response = await fetch(this.#base + path, init)
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  /** The entry of listConfig; undefined when it is gone. */
  async config(id: number): Promise<EvoRecord | undefined> {
    const { record, pull } = await this.success<{ record: EvoRecord[]; pull: EvoRecord[] }>('listConfig')
    return [...record, ...pull].find(({ configId }) => configId === id)
  }

  /** Asks for a configuration until it is as wanted. */
  untilConfig(id: number, isIt: (config: EvoRecord | undefined) => boolean): Promise<EvoRecord | undefined> {
    return until(`config ${id} as ${isIt}`, () => this.config(id), isIt)
  }

  /** Waits until it streams, into another stream than `notStreamId`. */
  async untilStreaming(id: number, notStreamId = 0): Promise<EvoRecord> {
    const config = await this.untilConfig(id, (each) => {
      const { code, uniqueStreamId } = each?.status.current ?? {}
      return code === 0 && uniqueStreamId !== notStreamId
    })
    assert.ok(config !== undefined)
    return config
  }
}

/** Asks until the answer is as wanted. @throws with the last one, after a minute */
export async function until<Found>(
  what: string,
  ask: () => Promise<Found>,
  isIt: (found: Found) => boolean,
): Promise<Found> {
  const endMs = performance.now() + WAIT_MS
  for (;;) {
    const found = await ask()
    if (isIt(found)) return found
    if (performance.now() > endMs) throw new Error(`not ${what}: ${JSON.stringify(found)}`)
    await sleep(50)
  }
}

/** A connection to one of the command lines. */
export class EvoTelnet implements Disposable {
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  readonly ended: Promise<unknown>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.ended = Promise.race([once(socket, 'end'), once(socket, 'close')])
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
    })
  }

  static async open({ facades }: ServerProcess, door: 'jsonCli' | 'asciiCli'): Promise<EvoTelnet> {
    const [host = '', port = ''] = (facades['evostream']?.[door] ?? '').split(':')
    const socket = connect({ port: Number(port), host, allowHalfOpen: true })
    await once(socket, 'connect')
    return new EvoTelnet(socket)
  }

  send(text: string): void {
    this.#socket.write(text)
  }

  /** And hangs up on its side: still wants the answers. */
  sendAll(text: string): void {
    this.#socket.end(text)
  }

  /** The next answer with a length before it, checked against it. */
  async answer(): Promise<EvoAnswer> {
    const isThere = (bytes: Buffer) => bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()
    await until('an answer', async () => this.#received, isThere)
    const length = this.#received.readUInt32BE()
    const text = this.#received.subarray(4, 4 + length).toString()
    this.#received = this.#received.subarray(4 + length)
    assert.match(text, /\r\n\r\n$/)
    return JSON.parse(text) as EvoAnswer
  }

  /** Everything received since, once it holds `end`. */
  async textUntil(end: string): Promise<string> {
    const bytes = await until(
      `text with ${end}`,
      async () => this.#received,
      (each) => each.toString().includes(end),
    )
    this.#received = Buffer.alloc(0)
    return bytes.toString()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
