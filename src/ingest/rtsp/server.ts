import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { errorCode } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import { loadCertificate } from '#base/tls/certificate.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import { ReadPacer } from '#ingest/rtmp/read-pacer.ts'
import { READ_BUFFER_BYTES } from '#ingest/rtmp/transport.ts'
import { RtspConnection } from './connection.ts'
import { RtspListenError, TooManyRtspConnectionsError } from './errors.ts'
import type { Surroundings } from './peer.ts'
import { Ticker } from './ticker.ts'
import { UdpPorts } from './udp-ports.ts'

/** How often timeouts are looked at. */
const SWEEP_MS = 1000

export interface RtspServerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly access: StreamAccess
  readonly config: Config['rtsp']
  /** Absolute path; a self-signed certificate is kept in it. */
  readonly dataDir: string
}

/** For metrics. Totals only ever grow. */
export interface RtspCounters {
  readonly connections: number
  readonly connectionsTotal: number
  /** Connections that ended with an error, by its code. */
  readonly errorsTotal: ReadonlyMap<string, number>
}

/** Where the server listens; undefined: that listener is off. */
export interface RtspAddresses {
  readonly rtsp: ListenAddress | undefined
  readonly rtsps: ListenAddress | undefined
}

/** Accepts RTSP and RTSPS connections, publishers and players alike. */
export class RtspServer implements AsyncDisposable {
  readonly #options: RtspServerOptions
  readonly #surroundings: Surroundings
  readonly #pacer = new ReadPacer()
  readonly #ticker: Ticker
  readonly #readBuffer = new Uint8Array(READ_BUFFER_BYTES)
  readonly #connections = new Set<RtspConnection>()
  readonly #errorsTotal = new Map<string, number>()
  #servers: (Server | TlsServer)[] = []
  #sweeper: NodeJS.Timeout | undefined
  #connectionsTotal = 0
  #closed: Promise<void> | undefined
  #onLastClosed: (() => void) | undefined

  constructor(options: RtspServerOptions) {
    const { runtime, hub, access, config } = options
    this.#options = options
    this.#ticker = new Ticker(runtime.monotonicMs)
    const udpPorts = config.udpPorts === undefined ? undefined : new UdpPorts(config.udpPorts, Math.random())
    this.#surroundings = { runtime, hub, access, ticker: this.#ticker, udpPorts, limits: config }
  }

  get counters(): RtspCounters {
    return {
      connections: this.#connections.size,
      connectionsTotal: this.#connectionsTotal,
      errorsTotal: this.#errorsTotal,
    }
  }

  /**
   * Opens the configured listeners and says where they are (port 0 gives a free one).
   * @throws {RtspListenError | CertificateError}
   */
  async listen(): Promise<RtspAddresses> {
    const { listen, tls } = this.#options.config
    try {
      const plain = () => createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket, 'rtsp'))
      const rtsp = listen && (await this.#open(plain(), listen, 'rtsp.listen'))
      const rtsps = tls.listen && (await this.#open(await this.#tlsServer(), tls.listen, 'rtsp.tls.listen'))
      this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
      return { rtsp, rtsps }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async #tlsServer(): Promise<TlsServer> {
    const { runtime, config, dataDir } = this.#options
    const pair = await loadCertificate({
      certificateFile: config.tls.certificate,
      keyFile: config.tls.key,
      dataDir,
      name: 'rtsps',
      keys: 'rtsp.tls',
      nowMs: runtime.nowMs(),
    })
    const server = createTlsServer({ cert: pair.certificate, key: pair.key, handshakeTimeout: 10_000 }, (socket) =>
      this.#accept(socket, 'rtsps'),
    )
    server.on('tlsClientError', (error, socket) => {
      runtime.log.debug({ event: 'rtsps.handshake-failed', remoteAddress: socket.remoteAddress, err: error })
    })
    return server
  }

  async #open(server: Server | TlsServer, { host, port }: ListenAddress, configKey: string): Promise<ListenAddress> {
    this.#servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new RtspListenError(`${host}:${port}`, configKey, error)))
      server.listen({ host, port, backlog: 1024 }, resolve)
    })
    // Out of descriptors, for instance: the listener goes on when there are some again.
    server.on('error', (error) => this.#options.runtime.log.error({ event: 'rtsp.listener-failed', err: error }))
    const address = server.address()
    return { host, port: typeof address === 'object' && address !== null ? address.port : port }
  }

  #accept(socket: Socket, protocol: 'rtsp' | 'rtsps'): void {
    const { runtime, config } = this.#options
    this.#connectionsTotal++
    if (this.#closed !== undefined || this.#connections.size >= config.maxConnections) {
      const error = new TooManyRtspConnectionsError(config.maxConnections)
      this.#count(error)
      runtime.log.warn(
        { event: 'rtsp.connection-refused', code: error.code, remoteAddress: socket.remoteAddress },
        error.message,
      )
      socket.destroy()
      return
    }
    const connection = new RtspConnection({
      surroundings: this.#surroundings,
      protocol,
      socket,
      pacer: this.#pacer,
      readBuffer: protocol === 'rtsp' ? this.#readBuffer : undefined,
      onFailed: (error) => this.#count(error),
      onClosed: (closed) => {
        this.#connections.delete(closed)
        if (this.#connections.size === 0) this.#onLastClosed?.()
      },
    })
    this.#connections.add(connection)
  }

  #count(error: unknown): void {
    const code = errorCode(error)
    this.#errorsTotal.set(code, (this.#errorsTotal.get(code) ?? 0) + 1)
  }

  #sweep(): void {
    for (const connection of this.#connections) connection.checkTimeouts()
  }

  /** Stops listening, ends every stream with cause `shutdown`, and resolves when all connections are closed. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const server of this.#servers) server.close()
    const lastClosed = new Promise<void>((resolve) => {
      this.#onLastClosed = resolve
    })
    for (const connection of this.#connections) {
      connection.disconnect({ cause: 'shutdown', message: 'the server is shutting down' })
    }
    if (this.#connections.size > 0) await lastClosed
    this.#pacer[Symbol.dispose]()
    this.#ticker[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
