import type { Socket } from 'node:dgram'
import type { Pair } from '#protocols/rtsp/transport.ts'
import type { UdpPair } from './udp-ports.ts'

/** What comes to a pair of ports. The memory is the taker's own. */
export interface PortsUser {
  media(bytes: Uint8Array): void
  control(bytes: Uint8Array): void
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
    pair.rtp.on('message', (bytes, { address }) => {
      if (this.#senders.has(address)) user.media(bytes)
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

  [Symbol.dispose](): void {
    this.#pair[Symbol.dispose]()
  }

  #send(socket: Socket, bytes: Uint8Array, which: 0 | 1): void {
    const remote = this.#remote
    // A report that does not get through is no loss: there will be another.
    if (remote !== undefined && remote.ports[which] > 0) {
      socket.send(bytes, remote.ports[which], remote.address, () => {})
    }
  }
}
