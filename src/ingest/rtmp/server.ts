import type { Runtime } from '#base/runtime.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import { type ConnectionCounters, ConnectionServer } from '../tcp/connection-server.ts'
import { RtmpConnection } from './connection.ts'
import { RtmpListenError, TooManyRtmpConnectionsError } from './errors.ts'
import type { RtmpExtension } from './extension.ts'

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
export interface RtmpCounters extends ConnectionCounters {
  readonly receivedBytesTotal: number
}

/** Where the server listens; undefined: that listener is off. */
export interface RtmpAddresses {
  readonly rtmp: ListenAddress | undefined
  readonly rtmps: ListenAddress | undefined
}

/** Accepts RTMP and RTMPS connections, publishers and players alike. */
export class RtmpServer implements AsyncDisposable {
  readonly #server: ConnectionServer<RtmpConnection>
  #receivedBytesTotal = 0

  constructor({ runtime, hub, access, extension, config, dataDir }: RtmpServerOptions) {
    this.#server = new ConnectionServer({
      runtime,
      protocol: 'rtmp',
      config,
      dataDir,
      listenError: (address, configKey, cause) => new RtmpListenError(address, configKey, cause),
      tooManyError: (limit) => new TooManyRtmpConnectionsError(limit),
      connect: ({ isTls, ...accepted }) =>
        new RtmpConnection({
          runtime,
          hub,
          access,
          extension,
          limits: config,
          protocol: isTls ? 'rtmps' : 'rtmp',
          ...accepted,
          onBytes: (bytes) => {
            this.#receivedBytesTotal += bytes
          },
        }),
    })
  }

  get counters(): RtmpCounters {
    return { ...this.#server.counters, receivedBytesTotal: this.#receivedBytesTotal }
  }

  /**
   * Opens the configured listeners and says where they are (port 0 gives a free one).
   * @throws {RtmpListenError | CertificateError}
   */
  async listen(): Promise<RtmpAddresses> {
    const { plain, tls } = await this.#server.listen()
    return { rtmp: plain, rtmps: tls }
  }

  /** Stops listening, ends every stream with cause `shutdown`, and resolves when all connections are closed. */
  close(): Promise<void> {
    return this.#server.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
