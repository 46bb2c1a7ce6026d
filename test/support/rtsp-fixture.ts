import type { StreamAccess } from '#hub/access.ts'
import { RtspServer } from '#ingest/rtsp/server.ts'
import { type TapedHub, tapedHub } from './taped-hub.ts'
import { TempFolder } from './temp-folder.ts'
import { testConfig } from './test-config.ts'

export interface RtspFixture extends TapedHub, AsyncDisposable {
  readonly server: RtspServer
  readonly port: number
  readonly tlsPort: number
  /** `rtsp://127.0.0.1:port/<path>` */
  url(path: string): string
}

/** An RTSP server on free ports that tapes every stream in memory. */
export async function rtspFixture(
  options: { access?: StreamAccess; config?: Partial<ReturnType<typeof testConfig>['rtsp']> } = {},
): Promise<RtspFixture> {
  await using owned = new AsyncDisposableStack()
  const folder = owned.use(await TempFolder.make())
  const taped = tapedHub()
  const { hub, runtime } = taped
  const config = {
    ...testConfig(folder.path).rtsp,
    tls: { listen: { host: '127.0.0.1', port: 0 }, certificate: '', key: '' },
    ...options.config,
  }
  const access = options.access ?? { authorize: async () => {} }
  const server = owned.use(new RtspServer({ runtime, hub, access, config, dataDir: folder.path }))
  const { rtsp, rtsps } = await server.listen()
  const port = rtsp?.port ?? 0
  const kept = owned.move()
  return {
    ...taped,
    server,
    port,
    tlsPort: rtsps?.port ?? 0,
    url: (path) => `rtsp://127.0.0.1:${port}/${path}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
