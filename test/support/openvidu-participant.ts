import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import type { SourceUnit } from './elementary-source.ts'
import { WebRtcPublisher, type WebRtcPublisherOptions } from './webrtc-publisher.ts'

const PATIENCE_MS = 60_000
const PING_EVERY_MS = 5_000

/** What the server told without being asked. */
export interface Notification {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** A participant whose protocol is written out: what a browser's library sends, with media of the test's own. */
export class ScriptedParticipant implements AsyncDisposable {
  /** Of its connection. */
  readonly id: string
  readonly joined: Readonly<Record<string, unknown>>
  readonly heard: Notification[]
  #line: JsonRpcLine
  readonly #address: string
  #media: WebRtcPublisher | undefined
  readonly #playing = new AbortController()

  private constructor(address: string, line: JsonRpcLine, joined: Readonly<Record<string, unknown>>) {
    this.#address = address
    this.#line = line
    this.joined = joined
    this.id = String(joined['id'])
    this.heard = line.heard
  }

  /** @param token a token URL, or one with the secret */
  static async join(token: string, metadata = ''): Promise<ScriptedParticipant> {
    const url = new URL(token.replace(/^wss:/, 'https:'))
    const address = `wss://${url.host}/openvidu`
    const line = await JsonRpcLine.open(address)
    const joined = await line.call('joinRoom', {
      token,
      session: url.searchParams.get('sessionId'),
      metadata,
      secret: url.searchParams.get('secret') ?? '',
      recorder: url.searchParams.get('recorder') === 'true',
      platform: 'Test',
      sdkVersion: '2.32.2',
    })
    return new ScriptedParticipant(address, line, joined)
  }

  /** Publishes and plays the units, over and over, until it is disposed or unpublishes. @returns the stream's id */
  async publish(units: readonly SourceUnit[], options: WebRtcPublisherOptions = {}): Promise<string> {
    const media = await WebRtcPublisher.offer(options)
    this.#media = media
    const kinds = options.media?.flat().map((codec) => (codec === 'opus' ? 'audio' : 'video')) ?? ['video', 'audio']
    const hasVideo = kinds.includes('video')
    const hasAudio = kinds.includes('audio')
    const answered = this.#line.call('publishVideo', {
      sdpOffer: media.sdp,
      doLoopback: false,
      hasAudio,
      hasVideo,
      audioActive: hasAudio,
      videoActive: hasVideo,
      ...(hasVideo && { typeOfVideo: 'CAMERA', frameRate: 25, videoDimensions: '{"width":320,"height":180}' }),
    })
    const { sdpAnswer, id } = await answered
    media.accept(String(sdpAnswer))
    await media.connected()
    void this.#play(media, units)
    return String(id)
  }

  async unpublish(): Promise<void> {
    this.#media?.close()
    this.#media = undefined
    await this.#line.call('unpublishVideo', {})
  }

  call(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
    return this.#line.call(method, params)
  }

  /** The first notification of this method, however long ago. */
  async notified(method: string, patienceMs = PATIENCE_MS): Promise<Notification['params']> {
    const until = performance.now() + patienceMs
    while (performance.now() < until) {
      const found = this.heard.find((each) => each.method === method)
      if (found !== undefined) return found.params
      await sleep(20)
    }
    throw new Error(`${method} did not come; heard ${this.heard.map((each) => each.method).join(', ')}`)
  }

  /** As a network that goes away takes the socket: media go on. */
  cut(): void {
    this.#line.terminate()
  }

  /** Comes back by another socket, as libraries since 2.8 do. What was heard is heard by it. */
  async resume(): Promise<void> {
    this.#line = await JsonRpcLine.open(this.#address, this.heard)
    await this.#line.call('connect', { sessionId: this.joined['sessionId'] })
  }

  /** As a process that is killed: nothing says goodbye, and nothing more is sent. Dispose it all the same. */
  kill(): void {
    this.#playing.abort()
    this.#line.terminate()
  }

  async leave(): Promise<void> {
    this.#playing.abort()
    await this.#line.call('leaveRoom', {})
    await this[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#playing.abort()
    this.#media?.close()
    this.#line.close()
  }

  async #play(media: WebRtcPublisher, units: readonly SourceUnit[]): Promise<void> {
    while (!this.#playing.signal.aborted && this.#media === media) {
      await media.play(units, { signal: this.#playing.signal })
    }
  }
}

class JsonRpcLine {
  readonly heard: Notification[]
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>()
  #lastId = -1

  private constructor(socket: WebSocket, heard: Notification[]) {
    this.#socket = socket
    this.heard = heard
    socket.on('message', (data: Buffer) => this.#received(JSON.parse(data.toString()) as Message))
    // As all libraries do: who is silent for longer is taken for lost.
    const pinging = setInterval(() => void this.call('ping', {}).catch(() => {}), PING_EVERY_MS)
    pinging.unref()
    socket.on('close', () => {
      clearInterval(pinging)
      for (const { reject } of this.#waiting.values()) reject(new Error('the line was closed'))
    })
    socket.on('error', () => {})
  }

  static async open(url: string, heard: Notification[] = []): Promise<JsonRpcLine> {
    const socket = new WebSocket(url, { rejectUnauthorized: false })
    await once(socket, 'open', { signal: AbortSignal.timeout(PATIENCE_MS) })
    return new JsonRpcLine(socket, heard)
  }

  call(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#lastId
    const waiting = Promise.withResolvers<Readonly<Record<string, unknown>>>()
    this.#waiting.set(id, waiting)
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', method, params, id }))
    return waiting.promise
  }

  close(): void {
    this.#socket.close()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #received({ id, method, params, result, error }: Message): void {
    if (method !== undefined) this.heard.push({ method, params: params ?? {} })
    if (id === undefined) return
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result ?? {})
    else waiting?.reject(new Error(`${error.code} ${error.message}`))
  }
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly code: number; readonly message: string }
}
