import { once } from 'node:events'
import { PeerConnection, type Track, Video } from 'node-datachannel'
import type { IceAndDtls } from './webrtc-sdp.ts'

let peers = 0

/**
 * The offering side of one ICE and DTLS-SRTP transport. The library is given one invented m-line; what is really
 * offered is written by whoever uses this, and all packets pass through here, of whatever SSRC and payload type.
 */
export class OfferingTransport implements Disposable {
  /** To be put into the offer. */
  readonly local: IceAndDtls
  /** Packets of the other side, RTP and RTCP. */
  onPacket: (bytes: Uint8Array) => void = () => {}
  readonly #peer: PeerConnection
  /** The library forgets a track that nobody holds. */
  readonly #track: Track
  readonly #changed = new EventTarget()
  #state = 'new'

  private constructor(peer: PeerConnection, track: Track, local: IceAndDtls) {
    this.#peer = peer
    this.#track = track
    this.local = local
    track.onMessage((bytes) => this.onPacket(bytes))
    // The library lets go of the process only when the ends of both were listened to, and both were closed.
    track.onClosed(() => {})
    track.onError(() => {})
    const changeTo = (state: string) => {
      this.#state = state
      this.#changed.dispatchEvent(new Event('change'))
    }
    // Connected is who can send: the track opens a moment after the connection says that it stands.
    peer.onStateChange((state) => {
      if (state !== 'connected' || track.isOpen()) changeTo(state)
    })
    track.onOpen(() => {
      if (peer.state() === 'connected') changeTo('connected')
    })
  }

  /** Opens a UDP port. */
  static async open(bindAddress = '127.0.0.1'): Promise<OfferingTransport> {
    const peer = new PeerConnection(`scripted-${peers++}`, { iceServers: [], bindAddress })
    const medium = new Video('0', 'SendRecv')
    medium.addVP8Codec(96)
    const track = peer.addTrack(medium)
    const gathered = Promise.withResolvers<void>()
    peer.onGatheringStateChange((state) => {
      if (state === 'complete') gathered.resolve()
    })
    peer.setLocalDescription('offer')
    await gathered.promise
    const lines = (peer.localDescription()?.sdp ?? '').split(/\r?\n/)
    const find = (name: string) =>
      lines.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3) ?? `no ${name}`
    return new OfferingTransport(peer, track, {
      ufrag: find('ice-ufrag'),
      pwd: find('ice-pwd'),
      fingerprint: find('fingerprint'),
      setup: find('setup'),
      candidates: lines.filter((line) => line.startsWith('a=candidate:')).map((line) => line.slice(2)),
    })
  }

  /** `new`, `connecting`, `connected`, `disconnected`, `failed` or `closed`. */
  get state(): string {
    return this.#state
  }

  /** Begins to connect to who answered. */
  accept(remote: IceAndDtls): void {
    const answer = [
      ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0'],
      ...['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendrecv', 'a=rtcp-mux'],
      ...['a=rtpmap:96 VP8/90000', `a=setup:${remote.setup}`, `a=ice-ufrag:${remote.ufrag}`, `a=ice-pwd:${remote.pwd}`],
      `a=fingerprint:${remote.fingerprint}`,
      ...remote.candidates.map((candidate) => `a=${candidate}`),
      '',
    ].join('\r\n')
    this.#peer.setRemoteDescription(answer, 'answer')
  }

  /** Resolves in that state. @throws when it is not reached in time, or never will be */
  async reached(state: string, timeoutMs = 60_000): Promise<void> {
    const signal = AbortSignal.timeout(timeoutMs)
    while (this.#state !== state) {
      if (this.#state === 'closed' || this.#state === 'failed') throw new Error(`${this.#state} instead of ${state}`)
      await once(this.#changed, 'change', { signal })
    }
  }

  /** Sends a packet, RTP or RTCP. False when it can't be. */
  send(bytes: Uint8Array): boolean {
    if (!this.#track.isOpen()) return false
    return this.#track.sendMessageBinary(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  /** Ends it with DTLS's goodbye. */
  [Symbol.dispose](): void {
    this.#track.close()
    this.#peer.close()
  }
}
