import type { PeerConnection, RtcConfig, Track } from 'node-datachannel'
import { WebRtcTransportError } from './errors.ts'

/** How long the library may take to name our own addresses; it asks nobody, so it takes milliseconds. */
const GATHERING_TIMEOUT_MS = 5_000

/** What one side of a transport tells the other in its description. RFC 8839, RFC 8122. */
export interface TransportParameters {
  readonly ufrag: string
  readonly pwd: string
  /** `sha-256 AB:CD:…` */
  readonly fingerprint: string
  readonly setup: 'active' | 'passive' | 'actpass'
}

export interface LocalTransport extends TransportParameters {
  /** Values of a=candidate lines, without the `candidate:` before them. */
  readonly candidates: readonly string[]
}

export interface TransportOptions {
  /** From the peer's offer. */
  readonly remote: TransportParameters
  /** The one UDP port of all transports. `0.0.0.0` and `::`: every address of this machine. */
  readonly listen: { readonly host: string; readonly port: number }
  /** IP addresses by which peers reach us besides those that the machine has, the best first. */
  readonly advertise: readonly string[]
}

/** `lost`: nothing came for seconds, it may come back. `failed`: the handshake did. The last two are the last. */
export type TransportState = 'connected' | 'lost' | 'failed' | 'closed'

/** The part of the library that is used; it is loaded only where WebRTC is on. */
export type WebRtcLibrary = Pick<typeof import('node-datachannel'), 'PeerConnection' | 'IceUdpMuxListener'>

/** Loads the library: a native addon of a few megabytes and a dozen threads. */
export async function loadWebRtcLibrary(): Promise<WebRtcLibrary> {
  const { default: library } = await import('node-datachannel')
  return library
}

/**
 * ICE, DTLS and SRTP with one peer, and nothing above them: RTP and RTCP packets of every medium come and go as they
 * are. The library is told of one medium that does not exist, so that it neither sorts nor answers packets itself.
 */
export class Transport implements Disposable {
  readonly local: LocalTransport
  /** RTP or RTCP, the receiver's own memory. */
  onPacket: (bytes: Uint8Array) => void = () => {}
  onStateChange: (state: TransportState) => void = () => {}
  // Strong references, also by the callbacks that the library holds: what is collected is silently heard no more.
  readonly #connection: PeerConnection
  readonly #track: Track
  #state: TransportState | 'connecting' = 'connecting'
  #remote: { readonly address: string; readonly port: number } | undefined
  #isDisposed = false

  private constructor(connection: PeerConnection, track: Track, local: LocalTransport) {
    this.#connection = connection
    this.#track = track
    this.local = local
    track.onMessage((bytes) => {
      if (this.#isDisposed) return
      // As `guarded`, without a closure for each packet.
      try {
        this.onPacket(bytes)
      } catch (error) {
        throwLater(error)
      }
    })
    connection.onStateChange((state) => guarded(() => this.#changed(state)))
    track.onOpen(() => guarded(() => this.#opened()))
  }

  /**
   * Prepares our side and waits for the peer, who begins: we are reached, and search for nobody. That the peer's own
   * candidates are not even looked at keeps a stranger from making us send packets to addresses of his choice.
   * @throws {WebRtcTransportError}
   */
  static async accept(library: WebRtcLibrary, { remote, listen, advertise }: TransportOptions): Promise<Transport> {
    let connection: PeerConnection
    try {
      connection = new library.PeerConnection('', rtcConfig(listen))
    } catch (error) {
      throw new WebRtcTransportError('no connection can be made', error)
    }
    let track: Track | undefined
    // The library lets the process end only when the ends of both were listened to, and a track that ended was closed.
    connection.onStateChange(() => {})
    connection.onTrack((opened) => {
      track = opened
      opened.onClosed(() => opened.close())
    })
    try {
      await gathered(connection, remote)
      const sdp = connection.localDescription()?.sdp ?? ''
      if (track === undefined) throw new WebRtcTransportError('the library made no track')
      return new Transport(connection, track, localTransport(sdp, listen.port, advertise))
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get state(): TransportState | 'connecting' {
    return this.#state
  }

  /** IP address of the peer, once connected. */
  get remoteAddress(): string | undefined {
    return this.#remote?.address
  }

  get remotePort(): number | undefined {
    return this.#remote?.port
  }

  /** Sends RTP or RTCP with any SSRC and payload type. False: it was not sent, and never will be. */
  send(packet: Uint8Array): boolean {
    if (this.#state !== 'connected' || this.#isDisposed) return false
    try {
      // The library takes any byte view.
      return this.#track.sendMessageBinary(packet as Buffer)
    } catch {
      return false
    }
  }

  #changed(state: string): void {
    // A goodbye by DTLS is told as a disconnection too; there is nothing wrong with the path then.
    const isGoodbye = state === 'disconnected' && !LOST_STATES.includes(this.#connection.iceState())
    const next = isGoodbye ? 'closed' : STATES[state]
    if (next === 'connected' && !this.#track.isOpen()) return
    this.#changeTo(next)
  }

  /** The library is connected a moment before it can send: what is sent in between would be lost without a word. */
  #opened(): void {
    if (this.#connection.state() === 'connected') this.#changeTo('connected')
  }

  #changeTo(next: TransportState | undefined): void {
    if (next === undefined || next === this.#state || this.#state === 'closed') return
    this.#state = next
    if (this.#isDisposed) return
    if (next === 'connected') this.#remote = this.#connection.getSelectedCandidatePair()?.remote
    this.onStateChange(next)
  }

  /**
   * Idempotent; `onStateChange` is not called for it. The library says no goodbye (DTLS close_notify) without data
   * channels: browsers see some seconds later that nobody answers.
   */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#connection.close()
  }
}

/** An error that goes through the library's native frames ends the process: it takes the way of any uncaught one. */
function guarded(call: () => void): void {
  try {
    call()
  } catch (error) {
    throwLater(error)
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

const STATES: Readonly<Record<string, TransportState>> = {
  connected: 'connected',
  disconnected: 'lost',
  failed: 'failed',
  closed: 'closed',
}

/** Of ICE, when there is no path any more. */
const LOST_STATES: readonly string[] = ['disconnected', 'failed']

function rtcConfig({ host, port }: TransportOptions['listen']): RtcConfig {
  return {
    iceServers: [],
    bindAddress: host,
    enableIceUdpMux: true,
    portRangeBegin: port,
    portRangeEnd: port,
  }
}

function gathered(connection: PeerConnection, remote: TransportParameters): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new WebRtcTransportError('the addresses of this machine were not found')),
      GATHERING_TIMEOUT_MS,
    )
    connection.onGatheringStateChange((state) => {
      if (state !== 'complete') return
      clearTimeout(timer)
      resolve()
    })
    try {
      connection.setRemoteDescription(bareOffer(remote), 'offer')
    } catch (error) {
      clearTimeout(timer)
      reject(new WebRtcTransportError('the library refuses the peer’s transport parameters', error))
    }
  })
}

/** One medium, whatever the peer has: with one, the library gives us the packets of all. */
function bareOffer({ ufrag, pwd, fingerprint, setup }: TransportParameters): string {
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=sendrecv',
    'a=rtcp-mux',
    'a=rtpmap:96 VP8/90000',
    `a=setup:${setup}`,
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:${fingerprint}`,
  ]
  return `${lines.join('\r\n')}\r\n`
}

function localTransport(sdp: string, port: number, advertise: readonly string[]): LocalTransport {
  const value = (name: string) => {
    const found = new RegExp(`^a=${name}:(.*?)\\s*$`, 'm').exec(sdp)?.[1]
    if (found === undefined) throw new WebRtcTransportError(`the library gives no a=${name}`)
    return found
  }
  const own = [...sdp.matchAll(/^a=candidate:(.*?)\s*$/gm)].map(([, candidate]) => candidate ?? '')
  const told = advertise.map((address, index) => hostCandidate(address, port, index))
  const setup = value('setup')
  return {
    ufrag: value('ice-ufrag'),
    pwd: value('ice-pwd'),
    fingerprint: value('fingerprint'),
    setup: setup === 'passive' ? 'passive' : 'active',
    candidates: [...told, ...own],
  }
}

/** RFC 8839 §5.1, preferred over what the library finds (RFC 8445 §5.1.2: type 126, then our order). */
function hostCandidate(address: string, port: number, index: number): string {
  const priority = 2 ** 24 * 126 + 2 ** 8 * (65_535 - index) + 255
  return `advertised${index} 1 UDP ${priority} ${address} ${port} typ host`
}
