import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { StreamDocument } from '../../../dashboard/src/api/documents.ts'
import { recordingDocument } from './documents.ts'
import type { DashboardMedia } from './media.ts'

const DIST = join(import.meta.dirname, '../../../dashboard/dist')
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
/** As strict as a server could be: nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'"

/**
 * The part of `/api/v1` the page uses, in memory, in any state a test wants: for what takes a broken disk or a hundred
 * cameras to produce with the real server.
 */
export class DashboardBackend implements AsyncDisposable {
  streams: StreamDocument[] = []
  readonly recordings = new Map<string, RecordingDocument>()
  /** Empty: everybody is let in. */
  token = ''
  /** What the caller's credential allows. */
  permissions = ['view', 'record', 'publish', 'manage']
  /** Answers every command with a problem of this code. */
  refuseWith = ''
  /** Live responses that are open now. */
  liveResponses = 0
  readonly #media: DashboardMedia
  readonly #server: Server
  readonly #eventReaders = new Set<ServerResponse>()
  readonly #begunHere = new Set<string>()
  #eventId = 0

  constructor(media: DashboardMedia) {
    this.#media = media
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
  }

  /** Port 0: a free one. Resolves to the page's address. */
  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening on a port')
    return `http://127.0.0.1:${address.port}/`
  }

  /** Puts a recording in and announces it. */
  announce(type: string, recording: RecordingDocument): void {
    if (type === 'recording.deleted') this.recordings.delete(recording.id)
    else this.recordings.set(recording.id, recording)
    this.#emit(type, { recording })
  }

  announceStreams(streams: StreamDocument[], type: 'stream.started' | 'stream.ended', stream: StreamDocument): void {
    this.streams = streams
    this.#emit(type, { stream })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close()
  }

  #emit(type: string, data: object): void {
    const id = String(++this.#eventId)
    const json = JSON.stringify({ id, type, at: new Date().toISOString(), data })
    for (const reader of this.#eventReaders) reader.write(`id: ${id}\nevent: ${type}\ndata: ${json}\n\n`)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (!url.pathname.startsWith('/api/v1/')) return this.#file(url.pathname, response)
    const given = request.headers.authorization?.replace('Bearer ', '') ?? url.searchParams.get('token') ?? ''
    if (this.token !== '' && given !== this.token) {
      return problem(response, 401, 'auth/token-missing', 'this server asks for a token')
    }
    if (request.method !== 'GET' && this.refuseWith !== '') {
      return problem(response, 507, this.refuseWith, 'the disk has 12 MB left, the floor is 1 GB: free some space')
    }
    const path = url.pathname.slice('/api/v1/'.length)
    const key = `${request.method} ${path.replace(/^recordings\/[^/]+/, 'recordings/*').replace(/parts\/\d+/, 'parts/*')}`
    const id = path.split('/')[1] ?? ''
    switch (key) {
      case 'GET server':
        return json(response, 200, {
          name: 'tapedeck',
          version: '0.1.0',
          node: 'node-test',
          startedAt: '2026-11-20T09:00:00.000Z',
          uptimeMs: 60_000,
          publish: [
            { protocol: 'rtmp', url: 'rtmp://127.0.0.1:1935/{app}/{stream}', server: 'rtmp://127.0.0.1:1935/live' },
          ],
          formats: ['mp4', 'flv', 'ts', 'webm', 'mkv'].map((name) => ({
            name,
            mimeType: '',
            isPlayableInBrowsers: name === 'mp4' || name === 'webm',
          })),
          access: { name: 'local', role: 'admin', permissions: this.permissions },
        })
      case 'GET streams':
        return json(response, 200, { streams: this.streams, nextCursor: null })
      case 'GET events':
        return this.#events(response)
      case 'GET recordings':
        return this.#list(url.searchParams, response)
      case 'POST recordings':
        return this.#start(await body(request), response)
    }
    if (key.startsWith('GET streams/')) return this.#live(response)
    const recording = this.recordings.get(id)
    if (recording === undefined) return problem(response, 404, 'recording/not-found', `there is no recording ${id}`)
    switch (key) {
      case 'GET recordings/*':
        return json(response, 200, this.#now(recording))
      case 'GET recordings/*/poster.jpg':
        return bytes(request, response, 'image/jpeg', this.#media.poster)
      case 'GET recordings/*/parts/*':
        return bytes(request, response, 'video/mp4', this.#media.mp4)
      case 'POST recordings/*/stop': {
        const ready = { ...this.#now(recording), state: 'ready' as const, endedAt: new Date().toISOString() }
        this.announce('recording.ready', ready)
        return json(response, 200, ready)
      }
      case 'PATCH recordings/*': {
        const held = { ...recording, held: (await body(request))['held'] === true }
        this.recordings.set(id, held)
        return json(response, 200, held)
      }
      case 'DELETE recordings/*':
        this.announce('recording.deleted', recording)
        response.writeHead(204).end()
        return
      default:
        return problem(response, 404, 'api/not-found', `no such address: ${key}`)
    }
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('cursor') ?? 0)
    const limit = Number(query.get('limit') ?? 100)
    const stream = query.get('stream')
    const state = query.get('state')
    const matching = [...this.recordings.values()]
      .filter(
        (recording) =>
          (stream === null || recording.stream === stream) && (state === null || recording.state === state),
      )
      .sort((a, b) => (a.id < b.id ? 1 : -1))
    const recordings = matching.slice(from, from + limit).map((recording) => this.#now(recording))
    const next = from + limit < matching.length ? String(from + limit) : null
    json(response, 200, { recordings, nextCursor: next })
  }

  #start(request: Record<string, unknown>, response: ServerResponse): void {
    const recording = recordingDocument({
      id: `01zz${String(this.recordings.size).padStart(6, '0')}`,
      stream: String(request['stream']),
      format: request['format'] === 'flv' ? 'flv' : 'mp4',
      state: 'recording',
      startedAt: new Date().toISOString(),
      requestedAt: new Date().toISOString(),
      endedAt: null,
      durationMs: 0,
    })
    this.#begunHere.add(recording.id)
    this.announce('recording.started', recording)
    json(response, 201, recording)
  }

  /** A recording the page started grows as long as it runs. */
  #now(recording: RecordingDocument): RecordingDocument {
    if (!this.#begunHere.has(recording.id) || recording.state !== 'recording') return recording
    return { ...recording, durationMs: Date.now() - Date.parse(recording.requestedAt) }
  }

  #events(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(': hello\n\n')
    this.#eventReaders.add(response)
    response.on('close', () => this.#eventReaders.delete(response))
  }

  /** All at once, then nothing: a browser plays what it has and waits for more. */
  #live(response: ServerResponse): void {
    this.liveResponses++
    response.on('close', () => this.liveResponses--)
    response.writeHead(200, { 'content-type': 'video/mp4', 'cache-control': 'no-store' })
    response.write(this.#media.fragmentedMp4)
  }

  async #file(pathname: string, response: ServerResponse): Promise<void> {
    const name = pathname === '/' ? '/index.html' : pathname
    const content = await readFile(join(DIST, name)).catch(() => undefined)
    if (content === undefined) return problem(response, 404, 'api/not-found', `no such file: ${name}`)
    response.writeHead(200, {
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'content-security-policy': POLICY,
    })
    response.end(content)
  }
}

async function body(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text) as Record<string, unknown>
}

function json(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ title: code, status, code, detail }))
}

function bytes(request: IncomingMessage, response: ServerResponse, type: string, content: Uint8Array): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const from = Number(range?.[1] ?? 0)
  const to = range?.[2] ? Number(range[2]) : content.length - 1
  const slice = content.subarray(from, to + 1)
  response.writeHead(range === null ? 200 : 206, {
    'content-type': type,
    'content-length': slice.length,
    'accept-ranges': 'bytes',
    ...(range === null ? {} : { 'content-range': `bytes ${from}-${to}/${content.length}` }),
  })
  response.end(slice)
}
