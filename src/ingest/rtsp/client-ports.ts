import type { Socket } from 'node:dgram'
import type { Pair } from '#protocols/rtsp/transport.ts'
import type { UdpPair } from './udp-ports.ts'

/** What comes to a pair of ports, borrowed for the call. */
export interface PortsUser {
  media(bytes: Uint8Array): void
  control(bytes: Uint8Array): void
  /** Media may be read a little later, many datagrams at once. */
  mayGather(): boolean
}

/** Our UDP ports of one track, which listen to one sender only. */
export class ClientPorts implements Disposable {
  readonly #pair: UdpPair
  readonly #senders: Set<string>
  #remote: { readonly address: string; readonly ports: Pair } | undefined

  /** @param sender IP address that is listened to */
  constructor(pair: UdpPair, sender: string, user: PortsUser) {
    this.#pair = pair
    this.#senders = new Set([sender])
    pair.read({
      received: (bytes, address) => {
        if (!this.#senders.has(address)) return false
        user.media(bytes)
        return true
      },
      mayGather: () => user.mayGather(),
    })
    pair.rtcp.on('message', (bytes, { address }) => {
      if (this.#senders.has(address)) user.control(bytes)
    })
  }

  get ports(): Pair {
    return this.#pair.ports
  }

  /** Where the sender's ports are. @param source also listened to, where the server named one */
  connect(address: string, ports: Pair, source: string): void {
    this.#remote = { address, ports }
    if (source !== '') this.#senders.add(source)
  }

  /** Sends to the RTP port: opens the way through address translation. */
  sendMedia(bytes: Uint8Array): void {
    this.#send(this.#pair.rtp, bytes, 0)
  }

  /** Sends to the RTCP port. */
  sendControl(bytes: Uint8Array): void {
    this.#send(this.#pair.rtcp, bytes, 1)
  }

  /** Hands over what has gathered. */
  takeNow(): void {
    this.#pair.takeNow()
  }

  [Symbol.dispose](): void {
    this.#pair[Symbol.dispose]()
  }

  #send(socket: Socket, bytes: Uint8Array, which: 0 | 1): void {
    const remote = this.#remote
    if (remote === undefined || remote.ports[which] <= 0) return
    // What does not get through is no loss: there will be another. A socket that is bound to its sender by then sends to
    // nobody else (and says so by an error).
    try {
      socket.send(bytes, remote.ports[which], remote.address, () => {})
    } catch (error) {
      if (!isConnectedError(error)) throw error
      socket.send(bytes, () => {})
    }
  }
}

function isConnectedError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SOCKET_DGRAM_IS_CONNECTED'
}
