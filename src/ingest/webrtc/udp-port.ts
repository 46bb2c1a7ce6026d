import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { IceUdpMuxListener } from 'node-datachannel'
import type { ListenAddress } from '#config/config.ts'
import { WebRtcListenError } from './errors.ts'
import type { WebRtcLibrary } from './transport.ts'

/** The UDP port that all transports share; held as long as there may be any. */
export class UdpPort implements Disposable {
  /** With an IP address, and the port that was really taken. */
  readonly address: ListenAddress
  readonly #listener: IceUdpMuxListener

  private constructor(address: ListenAddress, listener: IceUdpMuxListener) {
    this.address = address
    this.#listener = listener
  }

  /** @throws {WebRtcListenError} it is taken, or no address of this machine */
  static async open(library: WebRtcLibrary, { host, port }: ListenAddress): Promise<UdpPort> {
    try {
      const address = isIP(host) === 0 ? (await lookup(host)).address : host
      // The library says only that it failed, and not at all for port 0.
      const free = await tryPort(address, port)
      return new UdpPort({ host: address, port: free }, new library.IceUdpMuxListener(free, address))
    } catch (error) {
      throw new WebRtcListenError(`${host}:${port}`, error)
    }
  }

  [Symbol.dispose](): void {
    this.#listener.stop()
  }
}

/** Takes a port for a moment. @throws {Error} why it can't be had */
async function tryPort(address: string, port: number): Promise<number> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address, port, exclusive: true }, resolve)
    })
    return socket.address().port
  } finally {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.close()
    await closed
  }
}
