import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { pathOf } from '#api/problems.ts'
import type { Runtime } from '#base/runtime.ts'
import type { CloudRecordings, CloudTarget } from './cloud-recordings.ts'
import { type CloudRefusal, CloudRefusedError, invalidParameter } from './errors.ts'
import { CLOUD_MODES, type CloudMode } from './request.ts'

/** Who may call, and about which project. */
export interface CloudAccess {
  /** Vendor key (App ID). */
  readonly appId: string
  /** Both empty: nobody may. */
  readonly customerId: string
  readonly customerSecret: string
}

/** Where the calls are. */
export const CLOUD_PREFIX = '/v1/apps/'

interface CloudRoute {
  Params: { appid: string; rid: string; mode: string; sid: string }
}

/** Adds the calls of the vendor's Cloud Recording. spec section 7. */
export function registerCloudRoutes(
  app: FastifyInstance,
  options: { readonly runtime: Runtime; readonly recordings: CloudRecordings; readonly access: CloudAccess },
): void {
  const { recordings, access, runtime } = options
  app.register((routes, _options, done) => {
    // Not a word before it is known who asks.
    routes.addHook<CloudRoute>('onRequest', async (request) => requireAccess(access, request))
    routes.setErrorHandler((error: Error, request, reply) => answer(error, request, reply, runtime))
    const base = `${CLOUD_PREFIX}:appid/cloud_recording`
    routes.post<CloudRoute>(`${base}/acquire`, async (request) => recordings.acquire(bodyOf('Acquire', request)))
    routes.post<CloudRoute>(`${base}/resourceid/:rid/mode/:mode/start`, (request) => {
      return recordings.start(request.params.rid, modeOf(request.params.mode), bodyOf('Start', request))
    })
    const target = `${base}/resourceid/:rid/sid/:sid/mode/:mode`
    routes.get<CloudRoute>(`${target}/query`, (request) => recordings.query(targetOf(request)))
    routes.post<CloudRoute>(`${target}/stop`, async (request, reply) => {
      const stopped = await recordings.stop(targetOf(request), bodyOf('Stop', request))
      return reply.code(stopped.code === undefined ? 200 : 206).send(stopped)
    })
    routes.post<CloudRoute>(`${target}/update`, async (request) => {
      return recordings.update(targetOf(request), bodyOf('Update', request))
    })
    routes.post<CloudRoute>(`${target}/updateLayout`, async (request) => {
      return recordings.updateLayout(targetOf(request), bodyOf('UpdateLayout', request))
    })
    done()
  })
}

/** What is answered where none of the calls is. */
export const NO_ROUTE: CloudRefusal = { status: 404, reason: 'no Route matched with those values' }

/** A refusal as the vendor writes it. */
export function refusalBody({ vendorCode, reason }: CloudRefusal): object {
  return vendorCode === undefined ? { message: reason } : { code: vendorCode, reason }
}

/** @throws {CloudRefusedError} */
function requireAccess(access: CloudAccess, request: FastifyRequest<CloudRoute>): void {
  const { appId, customerId, customerSecret } = access
  if (customerId === '' || customerSecret === '') {
    const reason = 'cloud recording is not enabled: set facades.agora.cloud.customerId and customerSecret'
    throw new CloudRefusedError({ status: 400, vendorCode: 62, reason })
  }
  const { authorization } = request.headers
  if (authorization === undefined) throw new CloudRefusedError({ status: 401, reason: 'Unauthorized' })
  const [, credentials = ''] = /^Basic +([A-Za-z0-9+/_=-]+)$/i.exec(authorization) ?? []
  if (!isSame(Buffer.from(credentials, 'base64').toString(), `${customerId}:${customerSecret}`)) {
    throw new CloudRefusedError({ status: 401, reason: 'Invalid authentication credentials' })
  }
  if (request.params.appid.toLowerCase() !== appId.toLowerCase()) {
    throw new CloudRefusedError({ status: 400, reason: 'appid is invalid' })
  }
}

/** In the same time, whatever is compared. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

function targetOf({ params }: FastifyRequest<CloudRoute>): CloudTarget {
  return { resourceId: params.rid, sid: params.sid, mode: modeOf(params.mode) }
}

function modeOf(text: string): CloudMode {
  const mode = CLOUD_MODES.find((each) => each === text)
  if (mode === undefined) throw new CloudRefusedError(NO_ROUTE)
  return mode
}

/** @throws {CloudRefusedError} it is no JSON, or not called so */
function bodyOf(call: string, { body, headers }: FastifyRequest): unknown {
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    const reason = `${call}: the Content-type must be application/json;charset=utf-8`
    throw new CloudRefusedError({ status: 400, vendorCode: 8, reason })
  }
  try {
    return JSON.parse(String(body))
  } catch {
    throw invalidParameter(call, 'the body must be JSON')
  }
}

function answer(thrown: Error, request: FastifyRequest, reply: FastifyReply, runtime: Runtime): FastifyReply {
  const refusal = refusalOf(thrown, request.id)
  const facts = { method: request.method, path: pathOf(request.url), requestId: request.id, status: refusal.status }
  runtime.log[refusal.status >= 500 ? 'error' : 'debug']({ event: 'facade.refused', ...facts, err: thrown })
  return reply.code(refusal.status).header('cache-control', 'no-store').send(refusalBody(refusal))
}

function refusalOf(thrown: Error, requestId: string): CloudRefusal {
  if (thrown instanceof CloudRefusedError) return thrown.refusal
  if ('statusCode' in thrown && typeof thrown.statusCode === 'number' && thrown.statusCode < 500) {
    return { status: thrown.statusCode, vendorCode: 2, reason: thrown.message }
  }
  // The cause stays in the log: it may hold paths and other facts that are not for strangers.
  return { status: 500, vendorCode: 500, reason: `it failed here: the log says why, under requestId ${requestId}` }
}
