import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ApiListenError } from '#api/listen-error.ts'
import { pathOf } from '#api/problems.ts'
import type { Runtime } from '#base/runtime.ts'
import type { ListenAddress } from '#config/config.ts'
import type { CloudRecordings } from './cloud/cloud-recordings.ts'
import { CLOUD_PREFIX, type CloudAccess, NO_ROUTE, refusalBody, registerCloudRoutes } from './cloud/cloud-routes.ts'
import { AgoraErrorNumber, ERROR_TEXTS, statusOfError } from './error-numbers.ts'
import { AgoraRefusedError } from './errors.ts'
import type { RecordingCalls } from './recording-calls.ts'

/** A key and a tag, or a start of Cloud Recording with its lists of uids. */
const BODY_LIMIT_BYTES = 64 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 1_024
/** A name that is too long is to be told so; this is what nobody types. */
const MAX_PARAM_CHARACTERS = 1_024
const CLIENT = join(import.meta.dirname, 'browser/recording-service.js')

export interface WebOptions {
  readonly runtime: Runtime
  readonly calls: RecordingCalls
  readonly cloud: { readonly recordings: CloudRecordings; readonly access: CloudAccess }
  readonly listen: ListenAddress
  /** Key of `listen`, for messages. */
  readonly key: string
  readonly allowedOrigins: readonly string[]
}

/** A web door that is open. */
export interface WebDoor extends AsyncDisposable {
  readonly address: ListenAddress
}

/** Opens the door for the calls of spec sections 5.3 and 7. @throws {ApiListenError} */
export async function openWeb(options: WebOptions): Promise<WebDoor> {
  const { runtime, listen, key } = options
  const client = await readFile(CLIENT, 'utf8')
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    forceCloseConnections: true,
    genReqId: () => runtime.newId(),
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, runtime),
  })
  app.server.maxConnections = MAX_CONNECTIONS
  // Whatever a client calls its JSON.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, runtime))
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url)
    if (path.startsWith(CLOUD_PREFIX)) return reply.code(NO_ROUTE.status).send(refusalBody(NO_ROUTE))
    return reply.code(404).send({ error: AgoraErrorNumber.invalidArgument, message: `nothing is at ${path}` })
  })
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    if (origin === undefined || !options.allowedOrigins.includes(origin)) return
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'content-type',
      vary: 'Origin',
    })
  })
  registerRoutes(app, options, client)
  registerCloudRoutes(app, { runtime, ...options.cloud })
  try {
    await app.listen({ host: listen.host, port: listen.port })
  } catch (error) {
    await app.close()
    throw new ApiListenError(listen, key, error)
  }
  const address = { host: listen.host, port: (app.server.address() as AddressInfo).port }
  return { address, [Symbol.asyncDispose]: () => app.close() }
}

interface ChannelRoute {
  Params: { channel: string }
}

function registerRoutes(app: FastifyInstance, { calls }: WebOptions, client: string): void {
  const base = '/v1/channels/:channel/recording'
  app.post<ChannelRoute>(`${base}/start`, ({ params, body }) => calls.start(params.channel, parsed(body)))
  app.post<ChannelRoute>(`${base}/stop`, ({ params, body }) => calls.stop(params.channel, parsed(body)))
  app.get<ChannelRoute>(base, async ({ params }) => calls.status(params.channel))
  app.get('/recording-service.js', (_request, reply) => {
    // A module is loaded across origins only with this header; it holds no secret.
    if (!reply.hasHeader('access-control-allow-origin')) reply.header('access-control-allow-origin', '*')
    return reply.type('text/javascript; charset=utf-8').send(client)
  })
  app.options('/*', (_request, reply) => reply.code(204).send())
}

/** @throws {AgoraRefusedError} it is no JSON */
function parsed(body: unknown): unknown {
  try {
    return JSON.parse(String(body))
  } catch {
    throw new AgoraRefusedError(AgoraErrorNumber.invalidArgument, 'the body must be JSON')
  }
}

function answerError(thrown: Error, request: FastifyRequest, reply: FastifyReply, runtime: Runtime): FastifyReply {
  const { status, error, message } = refusal(thrown, request.id)
  const facts = { method: request.method, path: pathOf(request.url), requestId: request.id, status, err: thrown }
  runtime.log[status >= 500 ? 'error' : 'debug']({ event: 'facade.refused', ...facts })
  return reply.code(status).header('cache-control', 'no-store').send({ error, message })
}

function refusal(thrown: Error, requestId: string): { status: number; error: AgoraErrorNumber; message: string } {
  if (thrown instanceof AgoraRefusedError) {
    return { status: statusOfError(thrown.error), error: thrown.error, message: thrown.message }
  }
  if ('statusCode' in thrown && typeof thrown.statusCode === 'number' && thrown.statusCode < 500) {
    return { status: thrown.statusCode, error: AgoraErrorNumber.invalidArgument, message: thrown.message }
  }
  // The cause stays in the log: it may hold paths and other facts that are not for strangers.
  return { status: 500, error: AgoraErrorNumber.failed, message: `${ERROR_TEXTS[1]}, under requestId ${requestId}` }
}
