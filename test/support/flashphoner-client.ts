import { once } from 'node:events'
import { WebSocket } from 'ws'

const WAIT_MS = 60_000

/** A frame of the vendor's signalling. */
export interface SignallingFrame {
  readonly message: string
  readonly data: readonly unknown[]
}

/** A client of the vendor's WebSocket that says exactly what it is told to. */
export class FlashphonerClient implements AsyncDisposable {
  /** Everything that came, in its order, pings left out. */
  readonly frames: SignallingFrame[] = []
  pings = 0
  /** Answers pings, as the vendor's client does. */
  answersPings = true
  closed: { readonly code: number; readonly reason: string } | undefined
  readonly socket: WebSocket
  #seen = 0
  readonly #changed = new EventTarget()

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (bytes) => {
      const frame = JSON.parse(bytes.toString()) as SignallingFrame
      if (!Array.isArray(frame.data)) throw new Error(`a frame without a list of data: ${bytes.toString()}`)
      if (frame.message === 'ping') {
        this.pings++
        if (this.answersPings) this.send('pong', null)
      } else this.frames.push(frame)
      this.#changed.dispatchEvent(new Event('change'))
    })
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.#changed.dispatchEvent(new Event('change'))
    })
    socket.on('error', () => {})
  }

  static async connect(url: string, headers: Readonly<Record<string, string>> = {}): Promise<FlashphonerClient> {
    const socket = new WebSocket(url, { headers, rejectUnauthorized: false })
    const client = new FlashphonerClient(socket)
    await once(socket, 'open', { signal: AbortSignal.timeout(WAIT_MS) })
    return client
  }

  /** Connects and says "connection", as the vendor's client does. */
  static async session(url: string, facts: object = {}, headers: Readonly<Record<string, string>> = {}) {
    const client = await FlashphonerClient.connect(url, headers)
    client.send('connection', {
      appKey: 'defaultApp',
      mediaProviders: ['WebRTC', 'MSE', 'WSPlayer'],
      keepAlive: false,
      authToken: null,
      clientVersion: '2.0',
      clientOSVersion: '5.0 (X11)',
      clientBrowserVersion: 'Mozilla/5.0',
      msePacketizationVersion: 2,
      ...facts,
    })
    await client.next('getUserData')
    return client
  }

  send(message: string, data: unknown): void {
    this.socket.send(JSON.stringify({ message, data: [data] }))
  }

  /** Says that it publishes, with an offer that nobody reads. */
  publish(mediaSessionId: string, name: string, more: object = {}): void {
    const facts = { published: true, hasVideo: true, hasAudio: true, status: 'PENDING', record: false, sdp: 'v=0\r\n' }
    this.send('publishStream', { mediaSessionId, name, ...facts, mediaProvider: 'WebRTC', bitrate: 0, ...more })
  }

  play(mediaSessionId: string, name: string, more: object = {}): void {
    const facts = { published: false, hasVideo: true, hasAudio: true, status: 'PENDING', record: false, sdp: 'v=0\r\n' }
    this.send('playStream', { mediaSessionId, name, ...facts, mediaProvider: 'WebRTC', ...more })
  }

  stop(message: 'unPublishStream' | 'stopStream', mediaSessionId: string, name: string): void {
    const facts = { published: message === 'unPublishStream', hasVideo: true, hasAudio: true, record: false }
    this.send(message, { mediaSessionId, name, ...facts, status: 'PUBLISHING' })
  }

  /** Data of the next frame of this name that was not waited for before. @throws it does not come */
  async next(message: string): Promise<readonly unknown[]> {
    const found = await this.#when(() => {
      const index = this.frames.findIndex((frame, i) => i >= this.#seen && frame.message === message)
      if (index >= 0) this.#seen = index + 1
      return this.frames[index]
    }, message)
    return found.data
  }

  /** The one object of the next frame of this name. */
  async nextObject(message: string): Promise<Record<string, unknown>> {
    const [object] = await this.next(message)
    return object as Record<string, unknown>
  }

  /** The next status of a stream. */
  status(): Promise<Record<string, unknown>> {
    return this.nextObject('notifyStreamStatusEvent')
  }

  /** Resolves when the server has ended it. */
  over(): Promise<{ readonly code: number; readonly reason: string }> {
    return this.#when(() => this.closed, 'the end of the connection')
  }

  /** Resolves after so many pings. */
  async pinged(count: number): Promise<void> {
    await this.#when(() => (this.pings >= count ? true : undefined), `${count} pings`)
  }

  async #when<Found>(look: () => Found | undefined, what: string): Promise<Found> {
    const signal = AbortSignal.timeout(WAIT_MS)
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      await once(this.#changed, 'change', { signal }).catch(() => {
        throw new Error(`never came: ${what}; but ${JSON.stringify(this.frames)}`)
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed !== undefined) return
    this.socket.close()
    await this.over().catch(() => this.socket.terminate())
  }
}
