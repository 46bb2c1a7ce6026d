import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorOrigin, TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import { RequestInvalidError } from '#recorder/errors.ts'
import type { App } from './app.ts'
import {
  BodyTooLargeError,
  InvalidRequestError,
  MalformedBodyError,
  NoSuchRouteError,
  RangeNotSatisfiableError,
  UnsupportedMediaTypeError,
} from './errors.ts'
import type { Problem } from './schemas/problem.ts'

/** Codes whose status does not follow from whose fault they are. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'api/body-too-large': 413,
  'api/unsupported-media-type': 415,
  'api/no-such-route': 404,
  'api/host-not-allowed': 421,
  'api/cross-site-request': 403,
  'api/range-not-satisfiable': 416,
  'api/part-file-missing': 404,
  'api/too-many-rules': 409,
  'api/method-not-allowed': 405,
  'pull/too-many': 409,
  'auth/unauthenticated': 401,
  'auth/forbidden': 403,
  'auth/stream-access-denied': 403,
  'auth/access-endpoint-failed': 502,
  'catalog/query-invalid': 400,
  'compose/busy': 503,
  'live/not-viewable': 409,
  'recording/not-allowed': 403,
  'recompose/track-gone': 409,
  'recompose/track-damaged': 409,
  'recompose/too-many': 429,
  'poster/unavailable': 404,
  'stream/path-in-use': 409,
  'upload/not-media': 415,
  'upload/nothing-usable': 415,
  'upload/not-held': 415,
  'upload/too-large': 413,
  'upload/too-many': 429,
  'session/conflict': 409,
  'session/not-recorded': 409,
  'session/recorded-already': 409,
  'session/role-forbidden': 403,
  'session/token-invalid': 401,
  'storage/full': 507,
  'webrtc/no-common-codec': 422,
  'webrtc/player-lacks-codec': 422,
  'webrtc/reordered-pictures': 422,
  'webrtc/restart-unsupported': 422,
  'webrtc/etag-missing': 428,
  'webrtc/etag-mismatch': 412,
}

/** What a code's last word says, for areas that name their errors alike. */
const STATUS_BY_ENDING: readonly (readonly [string, number])[] = [
  ['not-found', 404],
  ['busy', 409],
  ['held', 409],
  ['exists', 409],
  ['in-use', 409],
  ['read-only', 409],
  ['not-running', 409],
  ['not-carried', 409],
  ['name-taken', 409],
]

const STATUS_BY_ORIGIN: Readonly<Record<ErrorOrigin, number>> = {
  client: 400,
  publisher: 409,
  operator: 503,
  storage: 503,
  internal: 500,
}

/** The HTTP status of one of our errors. */
export function statusOf({ code, origin }: Pick<TapedeckError, 'code' | 'origin'>): number {
  const byEnding = STATUS_BY_ENDING.find(([ending]) => code.endsWith(`/${ending}`) || code.endsWith(`-${ending}`))
  return STATUS_BY_CODE[code] ?? (origin === 'internal' ? 500 : (byEnding?.[1] ?? STATUS_BY_ORIGIN[origin]))
}

/** The problem document (RFC 9457) of one of our errors. */
export function toProblem(error: TapedeckError): Problem {
  return {
    type: `urn:tapedeck:problem:${error.code}`,
    title: error.name.replace(/Error$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' '),
    status: statusOf(error),
    detail: error.message,
    code: error.code,
    ...problemsOf(error),
  }
}

/** What is wrong with which field, of errors that know it: a form shows each at its own. */
function problemsOf(error: TapedeckError): Pick<Problem, 'problems'> {
  if (error instanceof InvalidRequestError) return { problems: error.problems.map((problem) => ({ ...problem })) }
  if (error instanceof RequestInvalidError) return { problems: [{ field: error.field, message: error.message }] }
  return {}
}

/** Makes every error of the API, the framework's own included, a problem document. */
export function registerProblems(app: App, runtime: Runtime): void {
  app.setErrorHandler((error: FastifyError, request, reply) => answerProblem(error, request, reply, runtime))
  app.setNotFoundHandler((request) => {
    throw new NoSuchRouteError(request.method, pathOf(request.url))
  })
}

/** Logs an error and answers with its problem document. */
export function answerProblem(
  thrown: FastifyError,
  request: Pick<FastifyRequest, 'method' | 'url' | 'id' | 'headers'>,
  reply: FastifyReply,
  runtime: Runtime,
): FastifyReply {
  const error = fromFramework(thrown, request)
  if (error instanceof TapedeckError) return sendProblem(error, request, reply, runtime)
  runtime.log.error({ event: 'api.failed', method: request.method, requestId: request.id, err: thrown })
  return send(reply, {
    type: 'urn:tapedeck:problem:internal/unexpected',
    title: 'Unexpected',
    status: 500,
    // The cause stays in the log: it may hold paths and other facts that are not for strangers.
    detail: `something went wrong here, not with the request: the log has it under requestId ${request.id}`,
    code: 'internal/unexpected',
  })
}

function sendProblem(
  error: TapedeckError,
  request: Pick<FastifyRequest, 'method' | 'url' | 'id'>,
  reply: FastifyReply,
  runtime: Runtime,
): FastifyReply {
  const problem = toProblem(error)
  const level = problem.status >= 500 ? 'error' : 'debug'
  runtime.log[level]({
    event: 'api.refused',
    method: request.method,
    path: pathOf(request.url),
    requestId: request.id,
    status: problem.status,
    err: error,
  })
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="tapedeck"')
  if (error instanceof RangeNotSatisfiableError) reply.header('content-range', `bytes */${error.sizeBytes}`)
  return send(reply, problem)
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).header('cache-control', 'no-store').type('application/problem+json').send(problem)
}

/** Fastify's errors of a malformed request, as ours. Anything else is given back as it is. */
function fromFramework(error: FastifyError, request: Pick<FastifyRequest, 'method' | 'url' | 'headers'>): Error {
  if (error instanceof TapedeckError) return error
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new BodyTooLargeError(BODY_LIMIT_BYTES)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_TYPE':
      return new UnsupportedMediaTypeError(request.headers['content-type'] ?? '')
    // A path such as /../etc/passwd, which only a program asks for: no reason to log an error.
    case 'FST_STATIC_FORBIDDEN_PATH':
      return new NoSuchRouteError(request.method, pathOf(request.url))
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new MalformedBodyError('it is empty', error)
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new MalformedBodyError('it does not parse, or has a field like __proto__', error)
    case 'FST_ERR_BAD_URL':
      return new InvalidRequestError([{ field: 'path', message: 'must be valid percent-encoding' }])
    default:
      // Everything else Fastify blames on the request, e.g. a body shorter than its Content-Length.
      return error.statusCode === 400 ? new MalformedBodyError(error.message, error) : error
  }
}

/** Without the query, which may hold a token. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url
}

/** Largest request body: a recording request with generous metadata is a few kilobytes. */
export const BODY_LIMIT_BYTES = 64 * 1024
