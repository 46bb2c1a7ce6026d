import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { errorCode } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import { loadCertificate } from '#base/tls/certificate.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import { RtmpConnection } from './connection.ts'
import { RtmpListenError, TooManyRtmpConnectionsError } from './errors.ts'
import type { RtmpExtension } from './extension.ts'
import { ReadPacer } from './read-pacer.ts'
import { READ_BUFFER_BYTES } from './transport.ts'

/** How often timeouts are looked at. */
const SWEEP_MS = 1000

export interface RtmpServerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly access: StreamAccess
  /** Names, calls and what goes on beside publications, of a front end's. Default: none. */
  readonly extension?: RtmpExtension | undefined
  readonly config: Config['rtmp']
  /** Absolute path; a self-signed certificate is kept in it. */
  readonly dataDir: string
}

/** For metrics. Totals only ever grow. */
export interface RtmpCounters {
  readonly connections: number
  readonly connectionsTotal: number
  readonly receivedBytesTotal: number
  /** Connections that ended with an error, by its code. */
  readonly errorsTotal: ReadonlyMap<string, number>
}

/** Where the server listens; undefined: that listener is off. */
export interface RtmpAddresses {
  readonly rtmp: ListenAddress | undefined
  readonly rtmps: ListenAddress | undefined
}

/** Accepts RTMP and RTMPS connections, publishers and players alike. */
export class RtmpServer implements AsyncDisposable {
  readonly #options: RtmpServerOptions
  readonly #pacer = new ReadPacer()
  readonly #readBuffer = new Uint8Array(READ_BUFFER_BYTES)
  readonly #connections = new Set<RtmpConnection>()
  readonly #errorsTotal = new Map<string, number>()
  #servers: (Server | TlsServer)[] = []
  #sweeper: NodeJS.Timeout | undefined
  #connectionsTotal = 0
  #receivedBytesTotal = 0
  #closed: Promise<void> | undefined
  #onLastClosed: (() => void) | undefined

  constructor(options: RtmpServerOptions) {
    this.#options = options
  }

  get counters(): RtmpCounters {
    return {
      connections: this.#connections.size,
      connectionsTotal: this.#connectionsTotal,
      receivedBytesTotal: this.#receivedBytesTotal,
      errorsTotal: this.#errorsTotal,
    }
  }

  /**
   * Opens the configured listeners and says where they are (port 0 gives a free one).
   * @throws {RtmpListenError | CertificateError}
   */
  async listen(): Promise<RtmpAddresses> {
    const { listen, tls } = this.#options.config
    try {
      const rtmp =
        listen &&
        (await this.#open(
          createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket, 'rtmp')),
          listen,
          'rtmp.listen',
        ))
      const rtmps = tls.listen && (await this.#open(await this.#tlsServer(), tls.listen, 'rtmp.tls.listen'))
      this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
      return { rtmp, rtmps }
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
      name: 'rtmps',
      keys: 'rtmp.tls',
      nowMs: runtime.nowMs(),
    })
    const server = createTlsServer({ cert: pair.certificate, key: pair.key, handshakeTimeout: 10_000 }, (socket) =>
      this.#accept(socket, 'rtmps'),
    )
    server.on('tlsClientError', (error, socket) => {
      runtime.log.debug({ event: 'rtmps.handshake-failed', remoteAddress: socket.remoteAddress, err: error })
    })
    return server
  }

  async #open(server: Server | TlsServer, { host, port }: ListenAddress, configKey: string): Promise<ListenAddress> {
    this.#servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new RtmpListenError(`${host}:${port}`, configKey, error)))
      server.listen({ host, port, backlog: 1024 }, resolve)
    })
    // Out of descriptors, for instance: the listener goes on when there are some again.
    server.on('error', (error) => this.#options.runtime.log.error({ event: 'rtmp.listener-failed', err: error }))
    const address = server.address()
    return { host, port: typeof address === 'object' && address !== null ? address.port : port }
  }

  #accept(socket: Socket, protocol: 'rtmp' | 'rtmps'): void {
    const { runtime, hub, access, extension, config } = this.#options
    this.#connectionsTotal++
    if (this.#closed !== undefined || this.#connections.size >= config.maxConnections) {
      const error = new TooManyRtmpConnectionsError(config.maxConnections)
      this.#count(error)
      runtime.log.warn(
        { event: 'rtmp.connection-refused', code: error.code, remoteAddress: socket.remoteAddress },
        error.message,
      )
      socket.destroy()
      return
    }
    const connection = new RtmpConnection({
      runtime,
      hub,
      access,
      extension,
      limits: config,
      protocol,
      socket,
      pacer: this.#pacer,
      readBuffer: protocol === 'rtmp' ? this.#readBuffer : undefined,
      onBytes: (bytes) => {
        this.#receivedBytesTotal += bytes
      },
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
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
