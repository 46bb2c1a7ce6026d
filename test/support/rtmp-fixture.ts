import type { StreamAccess } from '#hub/access.ts'
import type { RtmpExtension } from '#ingest/rtmp/extension.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import { type TapedHub, tapedHub } from './taped-hub.ts'
import { TempFolder } from './temp-folder.ts'
import { testConfig } from './test-config.ts'

export interface RtmpFixture extends TapedHub, AsyncDisposable {
  readonly server: RtmpServer
  readonly folder: TempFolder
  readonly port: number
  readonly tlsPort: number
  /** `rtmp://127.0.0.1:port/<path>` */
  url(path: string): string
}

/** An RTMP server on free ports that tapes every stream in memory. */
export async function rtmpFixture(
  options: {
    access?: StreamAccess
    extension?: RtmpExtension
    config?: Partial<ReturnType<typeof testConfig>['rtmp']>
  } = {},
): Promise<RtmpFixture> {
  await using owned = new AsyncDisposableStack()
  const folder = owned.use(await TempFolder.make())
  const taped = tapedHub()
  const { hub, runtime } = taped
  const config = {
    ...testConfig(folder.path).rtmp,
    tls: { listen: { host: '127.0.0.1', port: 0 }, certificate: '', key: '' },
    ...options.config,
  }
  const access = options.access ?? { authorize: async () => {} }
  const { extension } = options
  const server = owned.use(new RtmpServer({ runtime, hub, access, extension, config, dataDir: folder.path }))
  const { rtmp, rtmps } = await server.listen()
  const port = rtmp?.port ?? 0
  const kept = owned.move()
  return {
    ...taped,
    server,
    folder,
    port,
    tlsPort: rtmps?.port ?? 0,
    url: (path) => `rtmp://127.0.0.1:${port}/${path}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
