import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SourceUnit } from './elementary-source.ts'
import { RtmpClient } from './rtmp-client.ts'
import { sendConfiguration, sendUnit } from './rtmp-media.ts'

/** Chunk size of OBS. */
const CHUNK_BYTES = 4096
const TICK_MS = 5

export interface PacedPublisherOptions {
  /** `rtmp://host:port` of the server. */
  readonly rtmp: string
  readonly app: string
  readonly name: string
  readonly units: readonly SourceUnit[]
  /** Multiple of real time. Default 1. */
  readonly speed?: number
  /** What is due in between is sent all at once when this is over, as by a network that hung. Milliseconds; default: none. */
  readonly stall?: { readonly fromMs: number; readonly toMs: number }
}

/** An encoder in the test's own process that sends a source at its pace and knows what the server has got of it. */
export class PacedPublisher implements Disposable {
  readonly #client: RtmpClient
  readonly #serverPort: number
  readonly #units: readonly SourceUnit[]
  /** Bytes given to the socket when each unit sent so far had been. */
  readonly #endBytes: number[] = []
  readonly #speed: number
  readonly #stall: NonNullable<PacedPublisherOptions['stall']>
  #stopped = false
  #mostUnsentBytes = 0
  readonly #done: Promise<void>

  private constructor(client: RtmpClient, serverPort: number, options: PacedPublisherOptions) {
    this.#client = client
    this.#serverPort = serverPort
    this.#units = options.units
    this.#speed = options.speed ?? 1
    this.#stall = options.stall ?? { fromMs: 0, toMs: 0 }
    this.#done = this.#run()
  }

  /** Connects and begins to send. @throws when the server does not take the stream */
  static async start(options: PacedPublisherOptions): Promise<PacedPublisher> {
    const port = Number(new URL(options.rtmp).port)
    const client = await RtmpClient.open(port, options.app)
    const status = await client.status('publish', options.name, 'live')
    if (status !== 'NetStream.Publish.Start') throw new Error(`publishing ${options.name}: ${status}`)
    client.socket.write(client.writer.setChunkSize(CHUNK_BYTES))
    return new PacedPublisher(client, port, options)
  }

  /** Access units handed to the kernel's socket, the last one wholly. */
  get sent(): number {
    return this.#endBytes.length
  }

  /** The connection stands. */
  get isConnected(): boolean {
    return !this.#client.socket.destroyed
  }

  /** Most bytes that ever waited in this process because the server would not take them. */
  get mostUnsentBytes(): number {
    return this.#mostUnsentBytes
  }

  /** Resolves when the whole source is sent, or the connection is gone. */
  get done(): Promise<void> {
    return this.#done
  }

  /** Access units that this process got rid of: the kernel has them. Synchronous, so that a kill can follow at once. */
  written(): readonly SourceUnit[] {
    const { socket } = this.#client
    return this.#upTo(socket.bytesWritten - socket.writableLength)
  }

  /** Of those, what the server has read: not what lies in its socket, where the kernel counts it. */
  arrived(): readonly SourceUnit[] {
    const { socket } = this.#client
    const unread = unreadBytes(this.#serverPort, socket.localPort ?? 0)
    return this.#upTo(socket.bytesWritten - socket.writableLength - unread)
  }

  /** Resolves when the server has read the whole source. */
  async allArrived(): Promise<void> {
    await this.#done
    while (this.isConnected && this.arrived().length < this.#units.length) await sleep(TICK_MS)
  }

  /** Says goodbye as encoders do. */
  finish(): void {
    this.#stopped = true
    this.#client.deleteStream()
    this.#client.socket.end()
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    this.#client[Symbol.dispose]()
  }

  #upTo(bytes: number): readonly SourceUnit[] {
    const next = this.#endBytes.findIndex((endByte) => endByte > bytes)
    return this.#units.slice(0, next < 0 ? this.#endBytes.length : next)
  }

  async #run(): Promise<void> {
    const { socket } = this.#client
    for (const format of new Set(this.#units.map((unit) => unit.format))) sendConfiguration(this.#client, format)
    const startMs = performance.now()
    for (const unit of this.#units) {
      const ownMs = (unit.dts * 1000) / unit.format.timescale / this.#speed
      const dueMs = ownMs < this.#stall.fromMs ? ownMs : Math.max(ownMs, this.#stall.toMs)
      while (performance.now() - startMs < dueMs && !this.#stopped) await sleep(TICK_MS)
      if (this.#stopped || socket.destroyed) return
      sendUnit(this.#client, unit)
      this.#endBytes.push(socket.bytesWritten)
      this.#mostUnsentBytes = Math.max(this.#mostUnsentBytes, socket.writableLength)
    }
  }
}

/** Bytes the kernel holds for the server's end of a connection. proc(5): rx_queue of /proc/net/tcp, in hexadecimal. */
function unreadBytes(serverPort: number, clientPort: number): number {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const [, local, remote, , queues] = line.trim().split(/\s+/)
    if (local?.endsWith(`:${hex(serverPort)}`) !== true || remote?.endsWith(`:${hex(clientPort)}`) !== true) continue
    return Number.parseInt(queues?.split(':')[1] ?? '0', 16)
  }
  return 0
}
