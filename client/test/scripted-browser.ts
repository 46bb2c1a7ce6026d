/** A peer connection whose media comes and goes as a test says. */
export class ScriptedPeer extends EventTarget {
  connectionState: 'new' | 'connected' | 'disconnected' | 'failed' | 'closed' = 'new'
  readonly transceivers: { readonly what: unknown; readonly init: RTCRtpTransceiverInit }[] = []
  readonly configurations: RTCConfiguration[] = []
  #configuration: RTCConfiguration

  constructor(configuration: RTCConfiguration) {
    super()
    this.#configuration = configuration
  }

  addTransceiver(what: unknown, init: RTCRtpTransceiverInit): void {
    this.transceivers.push({ what, init })
  }

  async createOffer() {
    return { type: 'offer', sdp: 'offer' }
  }

  async setLocalDescription(): Promise<void> {}

  async setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (sdp === 'broken') throw new Error('no such SDP')
    if (sdp === 'connects') setImmediate(() => this.turn('connected'))
  }

  getConfiguration(): RTCConfiguration {
    return this.#configuration
  }

  setConfiguration(configuration: RTCConfiguration): void {
    this.#configuration = configuration
    this.configurations.push(configuration)
  }

  turn(state: ScriptedPeer['connectionState']): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }

  close(): void {
    this.connectionState = 'closed' // browsers fire no event for what the page does itself
  }
}

/** One request as the server would see it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly token: string | undefined
  readonly body: unknown
}

type Answer = { status: number; body?: unknown; headers?: Record<string, string> }

/** A browser for the client: its network answers as the test says, its peers are scripted. */
export class ScriptedBrowser {
  readonly requests: SeenRequest[] = []
  readonly peers: ScriptedPeer[] = []
  /** What is answered; undefined: the network is away. */
  answer: (request: SeenRequest) => Answer | undefined

  constructor(answer: ScriptedBrowser['answer']) {
    this.answer = answer
  }

  /** `POST /whip/live/me`, in order. */
  get asked(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`)
  }

  get environment(): { fetch: typeof fetch; RTCPeerConnection: typeof RTCPeerConnection } {
    const { peers } = this
    const Peer = class extends ScriptedPeer {
      constructor(configuration: RTCConfiguration) {
        super(configuration)
        peers.push(this)
      }
    }
    return {
      fetch: (input, init) => this.#fetch(input, init),
      RTCPeerConnection: Peer as unknown as typeof RTCPeerConnection,
    }
  }

  async #fetch(input: RequestInfo | URL, { method = 'GET', headers, body }: RequestInit = {}): Promise<Response> {
    const url = new URL(String(input))
    const authorization = new Headers(headers).get('authorization')
    const request: SeenRequest = {
      method,
      path: url.pathname + url.search,
      token: authorization?.replace('Bearer ', ''),
      body,
    }
    this.requests.push(request)
    const answer = this.answer(request)
    if (answer === undefined) throw new TypeError('Failed to fetch')
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? null)
    const response = new Response(answer.status === 204 ? null : text, {
      status: answer.status,
      headers: answer.headers ?? {},
    })
    Object.defineProperty(response, 'url', { value: url.href })
    return response
  }
}
