import { Signal } from '#base/events.ts'
import { newUlid } from '#base/id.ts'
import type { Hub, Publication } from '#hub/hub.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import type { PlayRequest, PublishRequest, WebRtcEndReason, WebRtcSession } from '#hub/webrtc.ts'

/** A session over WebRTC whose network is the test. */
export class ScriptedSession implements WebRtcSession {
  readonly id = newUlid(Date.now())
  readonly connectionId = `connection of ${this.id}`
  readonly etag = '""'
  readonly offer: PublishRequest
  readonly kind: WebRtcSession['kind']
  readonly answer = 'v=0\r\ns=answer\r\n'
  state: WebRtcSession['state'] = 'connecting'
  ended: WebRtcSession['ended']
  readonly stateChanged = new Signal<WebRtcSession>((error) => {
    throw error
  })
  readonly #hub: Hub
  #publication: Publication | undefined

  constructor(hub: Hub, kind: WebRtcSession['kind'], offer: PublishRequest) {
    this.#hub = hub
    this.kind = kind
    this.offer = offer
  }

  /** Where it goes. */
  get path(): string {
    return this.offer.path
  }

  get stream(): Stream | undefined {
    return this.kind === 'play' ? this.#hub.get(this.path) : this.#publication?.stream
  }

  trickle(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  /** A publisher's ICE and DTLS are up. */
  connect(): Stream {
    const { path, encoder, query, app = '', remoteAddress, remotePort, localAddress, localPort } = this.offer
    const from = { remoteAddress, remotePort, localAddress, localPort }
    const disconnect = (message: string) => this.close({ cause: 'disconnected', message })
    const facts = { connectionId: this.connectionId, encoder, query, app, instance: '', protocol: 'webrtc', disconnect }
    this.#publication = this.#hub.publish(path, { ...facts, ...from })
    this.become('connected')
    return this.#publication.stream
  }

  become(state: WebRtcSession['state']): void {
    this.state = state
    this.stateChanged.emit(this)
  }

  end(reason: WebRtcEndReason, end: StreamEnd = { cause: 'lost', message: reason }): void {
    if (this.ended !== undefined) return
    this.ended = { end, reason }
    this.#publication?.end(end)
    this.become('ended')
  }

  close(end: StreamEnd): void {
    this.end(end.cause === 'shutdown' ? 'shutdown' : 'closed', end)
  }
}

/** WebRTC without a network: sessions do what the test makes them do. */
export class ScriptedWebRtc {
  readonly sessions: ScriptedSession[] = []
  /** The next offer is refused with this. */
  refusal: Error | undefined
  readonly #hub: Hub

  constructor(hub: Hub) {
    this.#hub = hub
  }

  publish(offer: PublishRequest): Promise<ScriptedSession> {
    return this.#session('publish', offer)
  }

  play(offer: PlayRequest): Promise<ScriptedSession> {
    return this.#session('play', offer)
  }

  /** The newest session. */
  get last(): ScriptedSession {
    const session = this.sessions.at(-1)
    if (session === undefined) throw new Error('nobody has offered anything')
    return session
  }

  #session(kind: WebRtcSession['kind'], offer: PublishRequest): Promise<ScriptedSession> {
    const { refusal } = this
    if (refusal !== undefined) return Promise.reject(refusal)
    const session = new ScriptedSession(this.#hub, kind, offer)
    this.sessions.push(session)
    return Promise.resolve(session)
  }
}
