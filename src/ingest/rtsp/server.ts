import type { Runtime } from '#base/runtime.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import type { ReaderSlots } from '../pull/libav/reader-slots.ts'
import { type ConnectionCounters, ConnectionServer } from '../tcp/connection-server.ts'
import { RtspConnection } from './connection.ts'
import { RtspListenError, TooManyRtspConnectionsError } from './errors.ts'
import type { Surroundings } from './peer.ts'
import { Ticker } from './ticker.ts'
import { UdpPorts } from './udp-ports.ts'

export interface RtspServerOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly access: StreamAccess
  readonly config: Config['rtsp']
  /** Absolute path; a self-signed certificate is kept in it. */
  readonly dataDir: string
  /** Default: transport streams are not taken. */
  readonly readers?: ReaderSlots
}

/** Where the server listens; undefined: that listener is off. */
export interface RtspAddresses {
  readonly rtsp: ListenAddress | undefined
  readonly rtsps: ListenAddress | undefined
}

/** Accepts RTSP and RTSPS connections, publishers and players alike. */
export class RtspServer implements AsyncDisposable {
  readonly #server: ConnectionServer<RtspConnection>
  readonly #ticker: Ticker

  constructor({ runtime, hub, access, config, dataDir, readers }: RtspServerOptions) {
    this.#ticker = new Ticker(runtime.monotonicMs)
    const udpPorts = config.udpPorts === undefined ? undefined : new UdpPorts(config.udpPorts, Math.random())
    const surroundings: Surroundings = { runtime, hub, access, ticker: this.#ticker, udpPorts, limits: config, readers }
    this.#server = new ConnectionServer({
      runtime,
      protocol: 'rtsp',
      config,
      dataDir,
      listenError: (address, configKey, cause) => new RtspListenError(address, configKey, cause),
      tooManyError: (limit) => new TooManyRtspConnectionsError(limit),
      connect: ({ isTls, ...accepted }) =>
        new RtspConnection({ surroundings, protocol: isTls ? 'rtsps' : 'rtsp', ...accepted }),
    })
  }

  get counters(): ConnectionCounters {
    return this.#server.counters
  }

  /**
   * Opens the configured listeners and says where they are (port 0 gives a free one).
   * @throws {RtspListenError | CertificateError}
   */
  async listen(): Promise<RtspAddresses> {
    const { plain, tls } = await this.#server.listen()
    return { rtsp: plain, rtsps: tls }
  }

  /** Stops listening, ends every stream with cause `shutdown`, and resolves when all connections are closed. */
  async close(): Promise<void> {
    await this.#server.close()
    this.#ticker[Symbol.dispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
