import type { AddressInfo } from 'node:net'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import type { ListenAddress } from '#config/config.ts'
import { registerAccessLog } from './access-log.ts'
import type { App, Resources } from './app.ts'
import { registerBodyPatience } from './body-patience.ts'
import { registerCompositions } from './compositions.ts'
import { registerEvents } from './events.ts'
import { registerGuards } from './guards.ts'
import { registerHealth } from './health.ts'
import { registerHooks } from './hooks.ts'
import { ApiListenError } from './listen-error.ts'
import { liveRoute, registerLive } from './live.ts'
import { registerManifests } from './manifests.ts'
import { registerMetrics } from './metrics.ts'
import { documentedUrl, registerOpenApi } from './openapi.ts'
import { registerPage } from './page.ts'
import { registerPlayback } from './playback.ts'
import { registerPosters } from './posters.ts'
import { registerPreflight } from './preflight.ts'
import { answerProblem, BODY_LIMIT_BYTES, registerProblems } from './problems.ts'
import { registerPulls } from './pulls.ts'
import { registerRecompositions } from './recompositions.ts'
import { registerRecordings } from './recordings.ts'
import { registerRulePreview } from './rule-preview.ts'
import { registerRules } from './rules.ts'
import { registerServerFacts } from './server-facts.ts'
import { registerSessions } from './sessions.ts'
import { registerStreams } from './streams.ts'
import { registerUploads } from './uploads.ts'
import { validatorCompiler } from './validation.ts'
import { registerWebRtcSessions } from './webrtc.ts'
import { registerWhep } from './whep.ts'
import { registerWhip } from './whip.ts'

/** For headers, then for a body to arrive: both are small but in uploads, so who takes longer does it on purpose. */
const REQUEST_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 4_096
/** Stream paths, percent-encoded. */
const MAX_PARAM_CHARACTERS = 4_096

export interface ApiOptions extends Resources {
  /** The dashboard's built files. */
  readonly dashboardDir: string
}

/** The HTTP front door: REST, events, playback and the page. */
export interface Api extends AsyncDisposable {
  /** For tests: requests without a socket. */
  readonly app: App
  /** Every route registered, by its documented address. */
  readonly routes: readonly RegisteredRoute[]
  /** Resolves with the address really listened on. @throws {ApiListenError} */
  listen(): Promise<ListenAddress>
  /** Ends open responses and stops listening. Idempotent. */
  close(): Promise<void>
}

/** A route as the description of the API should have it. */
export interface RegisteredRoute {
  readonly method: string
  readonly url: string
  /** Aliases, files and preflights: not in the description. */
  readonly isHidden: boolean
}

/** Builds the API; nothing listens until listen(). The control stays the caller's. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { control, config, runtime, dashboardDir } = options
  let listening: ListenAddress = config.api.listen
  const app: App = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 0,
    http: { headersTimeout: REQUEST_TIMEOUT_MS },
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    // Events and live pictures never end by themselves.
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    genReqId: () => runtime.newId(),
    // A malformed address never reaches a route, and so no guard: it is refused here.
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, runtime),
    rewriteUrl: ({ url = '/' }) => liveRoute(url),
  }).withTypeProvider<TypeBoxTypeProvider>()
  app.server.maxConnections = MAX_CONNECTIONS
  // A page elsewhere may send text/plain without asking first (CORS); JSON it may not.
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  const routes = collectRoutes(app)
  registerProblems(app, runtime)
  registerAccessLog(app, runtime)
  registerBodyPatience(app, REQUEST_TIMEOUT_MS)
  registerGuards(app, { credentials: control.credentials, api: config.api, listening: () => listening })
  await registerOpenApi(app, control.version)
  for (const register of RESOURCES) register(app, options)
  registerPreflight(app)
  if (!(await registerPage(app, dashboardDir))) {
    runtime.log.warn(
      { event: 'api.no-dashboard', dashboardDir },
      'the page is not built: run "npm run build:dashboard"',
    )
  }
  const close = () => app.close()
  return {
    app,
    routes,
    async listen() {
      const { host, port } = config.api.listen
      try {
        await app.listen({ host, port })
      } catch (error) {
        throw new ApiListenError({ host, port }, 'api.listen', error)
      }
      listening = { host, port: (app.server.address() as AddressInfo).port }
      return listening
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function collectRoutes(app: App): readonly RegisteredRoute[] {
  const routes: RegisteredRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    const isHidden = schema?.hide === true
    for (const each of [method].flat()) routes.push({ method: each, url: documentedUrl(url), isHidden })
  })
  return routes
}

const RESOURCES = [
  registerServerFacts,
  registerStreams,
  registerLive,
  registerRecordings,
  registerUploads,
  registerPlayback,
  registerPosters,
  registerManifests,
  registerRules,
  registerRulePreview,
  registerPulls,
  registerCompositions,
  registerRecompositions,
  registerSessions,
  registerEvents,
  registerHooks,
  registerHealth,
  registerMetrics,
  registerWhip,
  registerWhep,
  registerWebRtcSessions,
] as const
