import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { errorCode, type TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import { loadCertificate } from '#base/tls/certificate.ts'
import type { ListenAddress } from '#config/config.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { ReadPacer } from './read-pacer.ts'
import { READ_BUFFER_BYTES } from './transport.ts'

/** How often timeouts are looked at. */
const SWEEP_MS = 1000

/** A connection as its server sees it. */
export interface ServedConnection {
  checkTimeouts(): void
  /** Ends it, and with it what it publishes. */
  disconnect(end: StreamEnd): void
}

/** What the connections of a server share, and how each says that it is over. */
export interface Accepted<Connection> {
  readonly socket: Socket
  readonly isTls: boolean
  readonly pacer: ReadPacer
  /** Undefined where reads can't be gathered (TLS). */
  readonly readBuffer: Uint8Array | undefined
  readonly onFailed: (error: unknown) => void
  readonly onClosed: (connection: Connection) => void
}

export interface ConnectionServerOptions<Connection> {
  readonly runtime: Runtime
  /** Of the plain listener: names keys of the configuration and events of the log; with an `s` the one over TLS. */
  readonly protocol: string
  readonly config: {
    readonly listen: ListenAddress | undefined
    readonly tls: { readonly listen: ListenAddress | undefined; readonly certificate: string; readonly key: string }
    readonly maxConnections: number
  }
  /** Absolute path; a self-signed certificate is kept in it. */
  readonly dataDir: string
  readonly connect: (accepted: Accepted<Connection>) => Connection
  readonly listenError: (address: string, configKey: string, cause: unknown) => TapedeckError
  readonly tooManyError: (limit: number) => TapedeckError
}

/** For metrics. Totals only ever grow. */
export interface ConnectionCounters {
  readonly connections: number
  readonly connectionsTotal: number
  /** Connections that ended with an error, by its code. */
  readonly errorsTotal: ReadonlyMap<string, number>
}

/** Accepts the connections of one protocol, plain and over TLS, and owns them until they are closed. */
export class ConnectionServer<Connection extends ServedConnection> implements AsyncDisposable {
  readonly #options: ConnectionServerOptions<Connection>
  readonly #pacer = new ReadPacer()
  readonly #readBuffer = new Uint8Array(READ_BUFFER_BYTES)
  readonly #connections = new Set<Connection>()
  readonly #errorsTotal = new Map<string, number>()
  #servers: (Server | TlsServer)[] = []
  #sweeper: NodeJS.Timeout | undefined
  #connectionsTotal = 0
  #closed: Promise<void> | undefined
  #onLastClosed: (() => void) | undefined

  constructor(options: ConnectionServerOptions<Connection>) {
    this.#options = options
  }

  get counters(): ConnectionCounters {
    return {
      connections: this.#connections.size,
      connectionsTotal: this.#connectionsTotal,
      errorsTotal: this.#errorsTotal,
    }
  }

  /**
   * Opens the configured listeners and says where they are (port 0 gives a free one); undefined: that one is off.
   * @throws the protocol's listen error @throws {CertificateError}
   */
  async listen(): Promise<{ readonly plain: ListenAddress | undefined; readonly tls: ListenAddress | undefined }> {
    const { config, protocol } = this.#options
    try {
      const accept = (socket: Socket) => this.#accept(socket, false)
      const plain =
        config.listen &&
        (await this.#open(createServer({ pauseOnConnect: true }, accept), config.listen, `${protocol}.listen`))
      const tls =
        config.tls.listen && (await this.#open(await this.#tlsServer(), config.tls.listen, `${protocol}.tls.listen`))
      this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref()
      return { plain, tls }
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async #tlsServer(): Promise<TlsServer> {
    const { runtime, config, protocol, dataDir } = this.#options
    const pair = await loadCertificate({
      certificateFile: config.tls.certificate,
      keyFile: config.tls.key,
      dataDir,
      name: `${protocol}s`,
      keys: `${protocol}.tls`,
      nowMs: runtime.nowMs(),
    })
    const server = createTlsServer({ cert: pair.certificate, key: pair.key, handshakeTimeout: 10_000 }, (socket) =>
      this.#accept(socket, true),
    )
    server.on('tlsClientError', (error, socket) => {
      runtime.log.debug({ event: `${protocol}s.handshake-failed`, remoteAddress: socket.remoteAddress, err: error })
    })
    return server
  }

  async #open(server: Server | TlsServer, { host, port }: ListenAddress, configKey: string): Promise<ListenAddress> {
    const { runtime, protocol, listenError } = this.#options
    this.#servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(`${host}:${port}`, configKey, error)))
      server.listen({ host, port, backlog: 1024 }, resolve)
    })
    // Out of descriptors, for instance: the listener goes on when there are some again.
    server.on('error', (error) => runtime.log.error({ event: `${protocol}.listener-failed`, err: error }))
    const address = server.address()
    return { host, port: typeof address === 'object' && address !== null ? address.port : port }
  }

  #accept(socket: Socket, isTls: boolean): void {
    const { runtime, protocol, config, connect, tooManyError } = this.#options
    this.#connectionsTotal++
    if (this.#closed !== undefined || this.#connections.size >= config.maxConnections) {
      const error = tooManyError(config.maxConnections)
      this.#count(error)
      runtime.log.warn(
        { event: `${protocol}.connection-refused`, code: error.code, remoteAddress: socket.remoteAddress },
        error.message,
      )
      socket.destroy()
      return
    }
    const connection = connect({
      socket,
      isTls,
      pacer: this.#pacer,
      readBuffer: isTls ? undefined : this.#readBuffer,
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
