import { join } from 'node:path'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RangeNotSatisfiableError } from '#api/errors.ts'
import { pathOf, statusOf } from '#api/problems.ts'
import { TapedeckError } from '#base/error.ts'
import type { Desk } from '../desk.ts'
import { VendorError } from '../errors.ts'
import { EventLog } from '../events/event-log.ts'
import { followSession } from '../events/session-events.ts'
import { Recordings } from '../recording/recordings.ts'
import { checkApplication } from './authentication.ts'
import { configurationRoutes, PUBLIC_URL_NAME } from './configuration-routes.ts'
import { fileRoutes } from './file-routes.ts'
import { recordingRoutes } from './recording-routes.ts'
import { sessionRoutes } from './session-routes.ts'

/** Paths below which everything is asked for the secret; files have rules of their own. */
const GUARDED = ['/api', '/openvidu/api', '/config', '/cdr', '/openvidu/cdr']

/** Statuses of the core's errors that follow from the vendor's table of checks instead. spec section 3.6. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'session/recorded-already': 409,
  'session/not-recorded': 409,
}

const ACCEPT_CERTIFICATE_PAGE = `<!doctype html>
<title>Certificate accepted</title>
<p>The certificate is accepted. <a href="javascript:history.back()">Go back</a>.
<script>history.back()</script>
`

/**
 * Everything of the vendor's that is HTTP, under the paths of all versions; and what works behind it: recordings and
 * events. Dispose the result when nothing is recorded any more.
 * @throws {RecordingPathError}
 */
export async function registerRoutes(app: FastifyInstance, desk: Desk): Promise<AsyncDisposable> {
  const { settings, rooms, runtime, data } = desk
  await using opening = new AsyncDisposableStack()
  const events = opening.use(new EventLog(desk, { file: join(settings.cdrPath || data, 'CDR.log') }))
  const recordings = settings.recording ? opening.use(await Recordings.open(desk, events)) : undefined
  if (recordings !== undefined) rooms.automatic = (room) => recordings.automatic(room)
  rooms.created = (room) => {
    followSession(room, runtime, events)
    recordings?.follow(room)
  }
  await app.register(async (scope) => {
    // Libraries say what they send, plain callers forget to: the body is read for what it is.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, desk))
    scope.addHook('onRequest', async (request, reply) => {
      reply.headers({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'content-range, accept-ranges, etag',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      })
      // A browser asks without credentials first whether it may ask.
      if (request.method !== 'OPTIONS' && isGuarded(request)) checkApplication(request, settings.secret)
    })
    scope.options('/*', (_request, reply) =>
      reply
        .code(204)
        .headers({
          'access-control-allow-methods': 'GET, POST, DELETE, PATCH, HEAD, OPTIONS',
          'access-control-allow-headers': 'authorization, content-type, range',
          'access-control-max-age': '600',
        })
        .send(),
    )
    for (const prefix of ['/api', '/openvidu/api']) {
      sessionRoutes(scope, prefix, desk, events)
      recordingRoutes(scope, prefix, desk, recordings)
    }
    configurationRoutes(scope, desk, recordings?.folder.path ?? settings.recordingPath)
    fileRoutes(scope, desk, recordings)
    for (const url of ['/accept-certificate', '/openvidu/accept-certificate']) {
      scope.get(url, (_request, reply) => reply.type('text/html; charset=utf-8').send(ACCEPT_CERTIFICATE_PAGE))
    }
    for (const url of ['/cdr', '/openvidu/cdr']) {
      scope.get(url, async (_request, reply) => reply.type('text/plain; charset=utf-8').send(await events.text()))
    }
  })
  const owned = opening.move()
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function isGuarded({ routeOptions, params }: FastifyRequest): boolean {
  const { url } = routeOptions
  if (url === undefined) return false
  if (url.endsWith('/config/:name') && (params as { readonly name?: string }).name === PUBLIC_URL_NAME) return false
  return GUARDED.some((prefix) => url === prefix || url.startsWith(`${prefix}/`))
}

/** Clients look at the status alone; people at the message. spec section 3.1. */
function answerError(thrown: FastifyError | Error, request: FastifyRequest, reply: FastifyReply, { runtime }: Desk) {
  const path = pathOf(request.url)
  const status = vendorStatus(thrown)
  const facts = { event: 'facade.request-failed', method: request.method, path, status, requestId: request.id }
  if (status >= 500 && !(thrown instanceof VendorError)) runtime.log.warn({ ...facts, err: thrown })
  if (status === 401) reply.header('www-authenticate', 'Basic realm="OpenVidu", charset="UTF-8"')
  if (thrown instanceof RangeNotSatisfiableError) reply.header('content-range', `bytes */${thrown.sizeBytes}`)
  const isOurs = thrown instanceof TapedeckError || status < 500
  const message = isOurs ? thrown.message : 'something unexpected went wrong: the log has more'
  reply.code(status)
  // The vendor answers a text where it can't record.
  if (status === 500) return reply.type('text/plain; charset=utf-8').send(message)
  return reply.send({ timestamp: runtime.nowMs(), status, error: STATUS_TEXTS[status] ?? 'Error', message, path })
}

function vendorStatus(thrown: FastifyError | Error): number {
  if (thrown instanceof VendorError) return thrown.status
  if (thrown instanceof TapedeckError) {
    const status = STATUS_BY_CODE[thrown.code] ?? statusOf(thrown)
    // Whatever keeps a recording from starting is one thing to the vendor's clients.
    return /^(compose|recording|session)\//.test(thrown.code) && status >= 503 ? 500 : status
  }
  return 'statusCode' in thrown && thrown.statusCode !== undefined ? thrown.statusCode : 500
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  413: 'Payload Too Large',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Entity',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}
