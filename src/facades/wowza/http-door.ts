import type { AddressInfo } from 'node:net'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { App } from '#api/app.ts'
import { requestSource } from '#api/cross-site.ts'
import { CrossSiteRequestError } from '#api/errors.ts'
import { isOurHost } from '#api/host-check.ts'
import { ApiListenError } from '#api/listen-error.ts'
import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { ListenAddress } from '#config/config.ts'
import type { Principal } from '#control/auth.ts'
import type { Authentication } from './authentication.ts'
import { NotAuthenticatedError } from './errors.ts'

const REQUEST_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 256
const BODY_LIMIT_BYTES = 64 * 1024
/** Stream names, percent-encoded. */
const MAX_PARAM_CHARACTERS = 4_096

export interface HttpDoorOptions {
  readonly runtime: Runtime
  readonly listen: ListenAddress
  /** Of the listener, for the message when its port is taken. */
  readonly configKey: string
  readonly authentication: Authentication
  readonly anonymous: boolean
  /** Writes an error in the door's own words; nothing but the body and its type. */
  readonly answerError: (problem: DoorProblem, request: FastifyRequest, reply: FastifyReply) => unknown
}

/** An error as the door answers it: with a status, and nothing of ours in its message that is not for strangers. */
export interface DoorProblem {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** A listener of this facade's, with its guard; routes are the caller's. */
export interface HttpDoor extends AsyncDisposable {
  readonly app: App
  /** @throws {ApiListenError} */
  listen(): Promise<ListenAddress>
}

/** Who asks; set by the guard before any route. */
export type Asker = WeakMap<FastifyRequest, Principal>

/** Builds a door; nothing listens until listen(). */
export function createDoor(options: HttpDoorOptions): HttpDoor & { readonly askers: Asker } {
  const { runtime, listen, configKey, authentication, anonymous, answerError } = options
  const askers: Asker = new WeakMap()
  let listening = listen
  const app: App = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS, ignoreTrailingSlash: true, caseSensitive: false },
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    genReqId: () => runtime.newId(),
    frameworkErrors: (error, request, reply) => void fail(error, request, reply),
  })
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const problem = problemOf(error)
    const fields = { event: 'wowza.http-refused', code: problem.code, method: request.method, err: error }
    // A client that knows its password asks without it first, to learn the nonce.
    const level = problem.status === 401 ? 'debug' : problem.status === 500 ? 'error' : 'info'
    runtime.log[level](fields, errorMessage(error))
    void reply.status(problem.status)
    return answerError(problem, request, reply)
  }
  app.server.maxConnections = MAX_CONNECTIONS
  // A page elsewhere may send text/plain without asking first (CORS); JSON it may not.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler(fail)
  app.setNotFoundHandler((request, reply) => {
    void reply.status(404)
    const message = `nothing is at ${request.method} ${request.url.split('?')[0]}`
    return answerError({ status: 404, code: 'api/no-such-route', message }, request, reply)
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'cache-control': 'no-store' })
    // Where nobody has to prove anything, a page that calls itself 127.0.0.1 must not pass for this machine.
    const isOurs = !anonymous || isOurHost(request.headers.host, listening, [])
    if (!isOurs || requestSource(request, []) === 'foreign') {
      throw new CrossSiteRequestError(request.headers.origin ?? request.headers.host ?? 'another site')
    }
    const authenticated = authentication.check(request.headers.authorization, request.method, request.raw.url ?? '')
    if ('principal' in authenticated) {
      askers.set(request, authenticated.principal)
      return
    }
    void reply.header('www-authenticate', authenticated.challenges)
    throw new NotAuthenticatedError()
  })
  return {
    app,
    askers,
    async listen() {
      const { host, port } = listen
      try {
        await app.listen({ host, port })
      } catch (error) {
        throw new ApiListenError({ host, port }, configKey, error)
      }
      listening = { host, port: (app.server.address() as AddressInfo).port }
      return listening
    },
    [Symbol.asyncDispose]: () => app.close(),
  }
}

const STATUSES: Readonly<Record<string, number>> = {
  'wowza/not-authenticated': 401,
  'auth/forbidden': 403,
  'api/cross-site-request': 403,
  'wowza/recording-not-permitted': 403,
  'recording/not-allowed': 403,
  'wowza/stream-not-found': 404,
  'wowza/recorder-not-found': 404,
  'recorder/stream-not-found': 404,
  'recorder/recording-not-found': 404,
  'recorder/rule-not-found': 404,
  'wowza/recorder-exists': 409,
  'recorder/recording-busy': 409,
  'recorder/recording-held': 409,
  'recorder/recording-not-running': 409,
}

/** What is wrong on this side, and where, is for the log. */
function problemOf(error: unknown): DoorProblem {
  const code = errorCode(error)
  if (error instanceof TapedeckError) {
    const isTheirs = error.origin === 'client' || error.origin === 'publisher'
    if (isTheirs) return { status: STATUSES[code] ?? 400, code, message: error.message }
    return { status: 500, code, message: `the server's log has the reason (${code})` }
  }
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status >= 400 && status < 500) return { status, code: 'api/malformed-body', message: errorMessage(error) }
  return { status: 500, code: 'internal/unexpected', message: "the server's log has the reason" }
}
