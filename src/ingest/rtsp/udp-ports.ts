import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Pair } from '#protocols/rtsp/transport.ts'
import { DatagramReader, DatagramReading, type DatagramUser } from './datagram-reader.ts'
import { RtspUdpPortsError } from './errors.ts'

/** What the kernel keeps of a burst until we read: a key frame of 4K comes as a thousand packets at once. */
const RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024

/** Pairs tried before giving up; others may have some of the range. */
const MAX_ATTEMPTS = 200

/** First and last of the ports that may be used. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Two neighbouring sockets: RTP on the even port, RTCP on the odd one after it (RFC 3550 §11). */
export class UdpPair implements Disposable {
  readonly rtp: Socket
  readonly rtcp: Socket
  readonly ports: Pair
  readonly #reading: DatagramReading
  #reader: DatagramReader | undefined

  constructor(rtp: Socket, rtcp: Socket, ports: Pair, reading: DatagramReading) {
    this.rtp = rtp
    this.rtcp = rtcp
    this.ports = ports
    this.#reading = reading
    for (const socket of [rtp, rtcp]) {
      // Somebody's closed port, reported by ICMP: he is found gone by his silence.
      socket.on('error', () => {})
      socket.unref()
    }
  }

  /** Reads the RTP port from now on. */
  read(user: DatagramUser): void {
    this.#reader = new DatagramReader(this.rtp, user, this.#reading)
  }

  /** Hands over what has gathered at the RTP port. */
  takeNow(): void {
    this.#reader?.takeNow()
  }

  [Symbol.dispose](): void {
    this.rtp.close()
    this.rtcp.close()
  }
}

/** Gives out pairs of UDP ports of a range. */
export class UdpPorts {
  readonly #range: PortRange
  readonly #pairs: number
  readonly #reading = new DatagramReading()
  /** Where the search goes on: a pair just left may still be sent to by its last user. */
  #next: number

  /** @param random from 0 to 1: where to begin, so that two servers with one range seldom meet */
  constructor(range: PortRange, random: number) {
    this.#range = range
    const firstEven = range.first + (range.first % 2)
    this.#pairs = Math.max(0, Math.floor((range.last - firstEven + 1) / 2))
    this.#next = Math.floor(random * this.#pairs)
  }

  /** @param address IP address of ours to bind to @throws {RtspUdpPortsError} none is free */
  async open(address: string): Promise<UdpPair> {
    const firstEven = this.#range.first + (this.#range.first % 2)
    let cause: unknown
    for (let attempt = 0; attempt < Math.min(this.#pairs, MAX_ATTEMPTS); attempt++) {
      const port = firstEven + 2 * this.#next
      this.#next = (this.#next + 1) % this.#pairs
      try {
        return await openPair(address, [port, port + 1], this.#reading)
      } catch (error) {
        cause = error
      }
    }
    throw new RtspUdpPortsError(`${this.#range.first}-${this.#range.last}`, cause)
  }
}

async function openPair(address: string, ports: Pair, reading: DatagramReading): Promise<UdpPair> {
  const rtp = await bound(address, ports[0])
  try {
    return new UdpPair(rtp, await bound(address, ports[1]), ports, reading)
  } catch (error) {
    rtp.close()
    throw error
  }
}

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ address, port, exclusive: true }, resolve)
    })
  } catch (error) {
    socket.close()
    throw error
  }
  socket.removeAllListeners('error')
  // As much as the system allows (net.core.rmem_max): it says nothing when that is less.
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  return socket
}
