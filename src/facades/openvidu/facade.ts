import type { AddressInfo } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { ApiListenError } from '#api/listen-error.ts'
import { loadCertificate } from '#base/tls/certificate.ts'
import type { ListenAddress } from '#config/config.ts'
import type { ValuesOf } from '#config/key.ts'
import { isLoopbackAddress } from '#control/loopback.ts'
import { type FacadeContext, implementFacade, type RunningFacade } from '../facade.ts'
import { SampleSecretError } from './configuration/errors.ts'
import { publicAddress } from './configuration/public-url.ts'
import { readPropertyFile } from './configuration/read-properties.ts'
import { type OpenViduSettings, readSettings, SAMPLE_SECRET } from './configuration/settings.ts'
import { OPENVIDU } from './declaration.ts'
import type { Desk } from './desk.ts'
import { registerRoutes } from './rest/routes.ts'
import { Rooms } from './rooms.ts'
import { Signalling } from './signalling/signalling.ts'

type Keys = ValuesOf<typeof OPENVIDU.keys>

const SECTION = 'facades.openvidu'
/** Options of sessions and recordings are a few hundred bytes; data of a connection are 10000 characters. */
const BODY_LIMIT_BYTES = 256 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 4_096

/** Takes OpenVidu 2's browsers and applications. */
export const openvidu = implementFacade(OPENVIDU, { start })

async function start(keys: Keys, context: FacadeContext): Promise<RunningFacade> {
  const { runtime, control, roots, data } = context
  const settings = await readVendorSettings(keys)
  tell(settings, context)
  await using opening = new AsyncDisposableStack()
  const rooms = opening.use(new Rooms({ runtime, sessions: control.sessions, settings }))
  let address: ListenAddress | undefined
  const desk: Desk = {
    runtime,
    control,
    settings,
    roots,
    layoutUrls: keys.layoutUrls,
    data,
    rooms,
    publicAddress: () => publicAddress(settings, address?.port ?? settings.port),
    localUrl: () => localUrl(address ?? { host: 'localhost', port: settings.port }),
  }
  const signalling = new Signalling(desk)
  const app = keys.listen === undefined ? undefined : await createApp(keys, context)
  if (app !== undefined && keys.listen !== undefined) {
    opening.defer(() => app.close())
    opening.use(await registerRoutes(app, desk))
    signalling.attach(app.server)
    address = await open(app, keys.listen)
  }
  const owned = opening.move()
  return {
    addresses: address === undefined ? {} : { https: address },
    async closeDoors() {
      rooms[Symbol.dispose]()
      signalling.close()
      await app?.close()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function createApp({ tls }: Keys, { runtime, data }: FacadeContext): Promise<FastifyInstance> {
  const pair = await loadCertificate({
    certificateFile: tls.certificate,
    keyFile: tls.key,
    dataDir: data,
    name: 'openvidu',
    keys: `${SECTION}.tls`,
    nowMs: runtime.nowMs(),
  })
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: 1_024, ignoreTrailingSlash: true },
    forceCloseConnections: true,
    genReqId: () => runtime.newId(),
    https: { cert: pair.certificate, key: pair.key },
  }) as unknown as FastifyInstance
  app.server.maxConnections = MAX_CONNECTIONS
  return app
}

async function open(app: FastifyInstance, listen: ListenAddress): Promise<ListenAddress> {
  try {
    await app.listen({ host: listen.host, port: listen.port })
  } catch (error) {
    throw new ApiListenError(listen, `${SECTION}.listen`, error)
  }
  return { host: listen.host, port: (app.server.address() as AddressInfo).port }
}

/** Pages of the vendor's samples look for the server at the host they are from, so it is a name and no number. */
function localUrl({ host, port }: ListenAddress): string {
  const isOwn = isLoopbackAddress(host) || host === '0.0.0.0' || host === '::'
  return `https://${isOwn ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
}

/** @throws {OpenViduPropertiesError | OpenViduPropertiesFileError | SampleSecretError} */
async function readVendorSettings({ properties, override, secret, listen }: Keys): Promise<OpenViduSettings> {
  const texts = new Map(await readPropertyFile(properties))
  for (const [name, value] of Object.entries(override)) texts.set(name, value)
  if (secret !== '') texts.set('OPENVIDU_SECRET', secret)
  const settings = readSettings(texts, properties === '' ? `${SECTION}.override` : properties)
  if (settings.secret === SAMPLE_SECRET && listen !== undefined && !isThisMachine(listen.host)) {
    throw new SampleSecretError(listen.host)
  }
  return settings
}

/** What an operator who brings his old file should know. */
function tell({ secret, oldNames, needless, unknown }: OpenViduSettings, { runtime }: FacadeContext): void {
  const { log } = runtime
  if (secret === SAMPLE_SECRET) {
    log.warn({ event: 'facade.sample-secret' }, "the secret is the vendor's sample: set facades.openvidu.secret")
  }
  const names = { oldNames, needless, unknown }
  if (Object.values(names).some(({ length }) => length > 0)) log.info({ event: 'facade.properties-read', ...names })
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || isLoopbackAddress(host)
}
