import type { AddressInfo } from 'node:net'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { RangeNotSatisfiableError } from '#api/errors.ts'
import { ApiListenError } from '#api/listen-error.ts'
import { pathOf, statusOf } from '#api/problems.ts'
import { TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { CertificatePair } from '#base/tls/certificate.ts'
import type { ListenAddress } from '#config/config.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import { RestMethodUnknownError } from './errors.ts'
import { checkCaller, type GuardOptions } from './guard.ts'
import type { RecordTickets } from './record-tickets.ts'
import { sendRecord } from './records.ts'
import { RestBody } from './rest-body.ts'
import type { RestMethod } from './rest-methods.ts'

/** A stream filter or a record's settings are a few hundred bytes. */
const BODY_LIMIT_BYTES = 64 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 1_024
/** A file name of 255 bytes, percent-encoded, and some. */
const MAX_PARAM_CHARACTERS = 1_024

/** Statuses that the vendor's documentation knows; everything else is its "internal error". */
const VENDOR_STATUSES = [400, 401, 403, 404, 409, 416]

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'flashphoner/unauthenticated': 401,
  'flashphoner/foreign-request': 403,
  'flashphoner/media-session-unknown': 404,
  'flashphoner/method-unknown': 404,
  'flashphoner/nothing-found': 404,
  'flashphoner/record-unknown': 404,
  'flashphoner/recorder-uri-unknown': 404,
  'flashphoner/recorder-uri-taken': 409,
  'flashphoner/mixer-uri-taken': 409,
  'flashphoner/mixer-uri-unknown': 404,
  'flashphoner/recording-switched-off': 500,
}

/** Where the vendor's installation has its web SDK. spec section 8.5. */
const SDK_PREFIX = '/client2/'
const RECORD_ROUTE = '/client/records/:name'

export interface WebOptions {
  readonly runtime: Runtime
  readonly recorder: RecorderApi
  /** By path below `/rest-api`. */
  readonly methods: Readonly<Record<string, RestMethod>>
  /** Text of `GET /?action=stat`. */
  readonly statistics: () => string
  /** Folder of the records. */
  readonly records: string
  readonly guard: GuardOptions
  /** Folder of the vendor's web SDK; empty: not served. */
  readonly sdkFolder: string
  /** Undefined: nobody needs one. */
  readonly tickets: RecordTickets | undefined
  readonly listen: ListenAddress
  /** Undefined: plain HTTP. */
  readonly certificate: CertificatePair | undefined
  /** Key of `listen`, for messages. */
  readonly key: string
}

/** A web door that is open. */
export interface WebDoor extends AsyncDisposable {
  readonly address: ListenAddress
}

/** Opens the door for REST methods and records. spec sections 6 and 8.5. @throws {ApiListenError} */
export async function openWeb(options: WebOptions): Promise<WebDoor> {
  const { runtime, certificate, listen, key } = options
  let address = listen
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    genReqId: () => runtime.newId(),
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, runtime),
    https: certificate === undefined ? null : { cert: certificate.certificate, key: certificate.key },
  }) as FastifyInstance
  app.server.maxConnections = MAX_CONNECTIONS
  // The vendor's clients send JSON, others forget to say so: the body is read for what it is.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, runtime))
  app.setNotFoundHandler((request) => {
    throw new RestMethodUnknownError(pathOf(request.url))
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    allowPages(request, reply, options.guard.allowedOrigins)
    // Nothing in the vendor's SDK is anybody's secret, and the page that asks for a credential comes from there.
    if (request.routeOptions.url?.startsWith(SDK_PREFIX) === true) return
    // A browser asks without credentials first whether it may ask; the answer is in the headers.
    if (request.method !== 'OPTIONS') checkCaller(request, address, options.guard, hasTicket(request, options.tickets))
  })
  registerRoutes(app, options)
  if (options.sdkFolder !== '') {
    await app.register(fastifyStatic, {
      root: options.sdkFolder,
      prefix: SDK_PREFIX,
      index: false,
      decorateReply: false,
    })
  }
  try {
    await app.listen({ host: listen.host, port: listen.port })
  } catch (error) {
    await app.close()
    throw new ApiListenError(listen, key, error)
  }
  address = { host: listen.host, port: (app.server.address() as AddressInfo).port }
  return { address, [Symbol.asyncDispose]: () => app.close() }
}

function registerRoutes(app: FastifyInstance, { runtime, recorder, methods, records, statistics }: WebOptions): void {
  for (const [path, method] of Object.entries(methods)) {
    app.route({
      // The vendor's own client sends GET when it has nothing to say.
      method: ['GET', 'POST'],
      url: `/rest-api${path}`,
      handler: async (request, reply) => {
        const answer = await method(RestBody.parse(request.body instanceof Uint8Array ? request.body : undefined))
        runtime.log.debug({ event: 'facade.rest', method: path, requestId: request.id })
        reply.header('cache-control', 'no-store')
        return answer === undefined ? reply.send() : reply.type('application/json').send(JSON.stringify(answer))
      },
    })
  }
  app.route<{ Params: { name: string } }>({
    method: ['GET', 'HEAD'],
    url: RECORD_ROUTE,
    handler: (request, reply) => sendRecord(request, reply, { name: request.params.name, root: records, recorder }),
  })
  app.options('/*', (_request, reply) => reply.code(204).send())
  app.get<{ Querystring: { action?: string } }>('/', async (request, reply) => {
    if (request.query.action !== 'stat') throw new RestMethodUnknownError('/')
    return reply.header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(statistics())
  })
}

/** The browser has made the record it asks for. */
function hasTicket({ routeOptions, params, headers }: FastifyRequest, tickets: RecordTickets | undefined): boolean {
  if (routeOptions.url !== RECORD_ROUTE || tickets === undefined) return false
  return tickets.admits(headers.cookie, (params as { readonly name: string }).name)
}

/** Lets pages of other sites that are allowed to ask read the answers. */
function allowPages({ headers: { origin } }: FastifyRequest, reply: FastifyReply, allowed: readonly string[]): void {
  if (origin === undefined || !allowed.includes(origin)) return
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, HEAD, POST',
    'access-control-allow-headers': 'authorization, content-type, range',
    'access-control-expose-headers': 'content-range, accept-ranges, etag',
    vary: 'Origin',
  })
}

function answerError(
  thrown: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  runtime: Runtime,
): FastifyReply {
  const { status, message } = refusal(thrown, request.id)
  const facts = { method: request.method, path: pathOf(request.url), requestId: request.id, status, err: thrown }
  runtime.log[status >= 500 ? 'error' : 'debug']({ event: 'facade.refused', ...facts })
  if (status === 401) reply.header('www-authenticate', 'Basic realm="records", charset="UTF-8"')
  if (thrown instanceof RangeNotSatisfiableError) reply.header('content-range', `bytes */${thrown.sizeBytes}`)
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify({ error: message }))
}

function refusal(thrown: FastifyError | Error, requestId: string): { status: number; message: string } {
  if (thrown instanceof TapedeckError) {
    const status = STATUS_BY_CODE[thrown.code] ?? statusOf(thrown)
    return { status: VENDOR_STATUSES.includes(status) ? status : 500, message: thrown.message }
  }
  if ('statusCode' in thrown && thrown.statusCode !== undefined && thrown.statusCode < 500) {
    return { status: 400, message: thrown.message }
  }
  // The cause stays in the log: it may hold paths and other facts that are not for strangers.
  return { status: 500, message: `something went wrong here: the log has it under requestId ${requestId}` }
}
