import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { Dice } from '../fuzz/mutate.ts'

/** What a path does to datagrams, both ways. */
export interface PathConditions {
  readonly lostPercent: number
  /** Each datagram is late by up to this, at random, so that they overtake each other. */
  readonly jitterMs: number
  /** … and by this in any case. */
  readonly delayMs: number
}

const PERFECT: PathConditions = { lostPercent: 0, jitterMs: 0, delayMs: 0 }
const RECEIVE_BUFFER_BYTES = 1 << 20

/**
 * A bad network in front of a UDP port of this machine: what a peer sends to `port` comes to the server from a port of
 * its own for each peer, and the other way round.
 */
export class LossyRelay implements AsyncDisposable {
  readonly port: number
  /** May be changed at any time. */
  conditions = PERFECT
  /** Datagrams of peers, and of the server. */
  readonly passed = { up: 0, down: 0 }
  readonly lost = { up: 0, down: 0 }
  readonly #front: Socket
  readonly #serverPort: number
  readonly #dice: Dice
  /** By the peer's address. */
  readonly #backs = new Map<string, Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #isClosed = false

  private constructor(front: Socket, serverPort: number, seed: number) {
    this.#front = front
    this.#serverPort = serverPort
    this.#dice = new Dice(seed)
    this.port = front.address().port
    front.on('message', (bytes, peer) => this.#up(bytes, peer))
  }

  /** @param seed the same makes the same datagrams get lost, if they come in the same order */
  static async open(serverPort: number, seed: number): Promise<LossyRelay> {
    const front = createSocket('udp4')
    front.on('error', () => {})
    front.bind(0, '127.0.0.1')
    await once(front, 'listening')
    front.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
    return new LossyRelay(front, serverPort, seed)
  }

  /** An answer that leads through here, of one that leads to the server. */
  rewritten(sdp: string): string {
    return sdp.replace(/^(a=candidate:\S+ \d \S+ \d+) \S+ (\d+)/gm, (line, head: string, port: string) =>
      Number(port) === this.#serverPort ? `${head} 127.0.0.1 ${this.port}` : line,
    )
  }

  #up(bytes: Uint8Array, peer: RemoteInfo): void {
    const name = `${peer.address}:${peer.port}`
    let back = this.#backs.get(name)
    if (back === undefined) {
      back = createSocket('udp4')
      back.on('error', () => {})
      back.on('message', (answer) =>
        this.#pass('down', () => this.#front.send(answer, peer.port, peer.address, () => {})),
      )
      back.bind(0, '127.0.0.1', () => back?.setRecvBufferSize(RECEIVE_BUFFER_BYTES))
      this.#backs.set(name, back)
    }
    const through = back
    this.#pass('up', () => through.send(bytes, this.#serverPort, '127.0.0.1', () => {}))
  }

  #pass(way: 'up' | 'down', send: () => void): void {
    const { lostPercent, jitterMs, delayMs } = this.conditions
    if (this.#dice.roll(1000) < lostPercent * 10) {
      this.lost[way]++
      return
    }
    this.passed[way]++
    const lateMs = delayMs + this.#dice.roll(jitterMs + 1)
    if (lateMs === 0) {
      send()
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#isClosed) send()
    }, lateMs)
    this.#timers.add(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    const sockets = [this.#front, ...this.#backs.values()]
    await Promise.all(
      sockets.map((socket) => {
        const closed = once(socket, 'close')
        socket.close()
        return closed
      }),
    )
  }
}
