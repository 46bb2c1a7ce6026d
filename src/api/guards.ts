import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config, ListenAddress } from '#config/config.ts'
import { type Credentials, LOCAL_ADMIN, type Permission, type Principal } from '#control/auth.ts'
import { UnauthenticatedError } from '#control/errors.ts'
import { isLoopbackAddress } from '#control/loopback.ts'
import { API_PREFIX, type App } from './app.ts'
import { requestSource } from './cross-site.ts'
import { CrossSiteRequestError, HostNotAllowedError } from './errors.ts'
import { isOurHost } from './host-check.ts'

/**
 * What a route asks of its caller. `public`: nothing (probes, the page itself). `any`: some credential. `playable`:
 * the handler decides, since publishing policy may open a stream to people without one.
 */
export type RouteAccess = Permission | 'public' | 'any' | 'playable'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route names it; the server refuses to start with one that does not. */
    access?: RouteAccess
    /** Takes `?token=` too: <video>, <img> and EventSource can't send headers. */
    tokenInQuery?: boolean
  }
  interface FastifyRequest {
    /** Who asks; null on public routes and for strangers on playable ones. */
    principal: Principal | null
  }
}

/** Where browsers publish and play over WebRTC. */
const STREAMING_URL = /^\/(whip|whep|webrtc)\//

export interface GuardOptions {
  readonly credentials: Credentials
  readonly api: Config['api']
  /** Where we really listen (the port may have been chosen by the system). */
  readonly listening: () => ListenAddress
}

/** Lets through what comes from our own page, a program or an allowed origin, for our own name, from someone known. */
export function registerGuards(app: App, options: GuardOptions): void {
  app.decorateRequest('principal', null)
  app.addHook('onRoute', (route) => {
    if (route.config?.access !== undefined) return
    if (route.url.startsWith(API_PREFIX))
      throw new Error(`route ${route.url} does not say who may use it (config.access)`)
    // Files of the page and of the API's description, registered by plugins.
    route.config = { ...route.config, access: 'public' }
  })
  app.addHook('onRequest', async (request, reply) => {
    setSecurityHeaders(reply)
    if (hasSeveralHosts(request) || !isOurHost(request.headers.host, options.listening(), options.api.allowedHosts)) {
      throw new HostNotAllowedError(request.headers.host ?? '')
    }
    checkSource(request, reply, options)
    if (request.method === 'OPTIONS' || request.is404) return
    authenticate(request, options.credentials)
  })
}

/** Node takes the first, a proxy before it may have taken the last. RFC 9112 §3.2 wants it refused. */
function hasSeveralHosts({ raw }: FastifyRequest): boolean {
  return raw.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length > 1
}

function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Addresses of media may hold a token.
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
  })
}

function checkSource(request: FastifyRequest, reply: FastifyReply, { api, credentials }: GuardOptions): void {
  const source = requestSource(request, api.allowedOrigins)
  const origin = request.headers.origin
  // Pages of anywhere may publish and play with a credential; the route itself sees to that they have one.
  const isStreaming = credentials.areConfigured && STREAMING_URL.test(request.url)
  if ((source === 'allowed' || (source === 'foreign' && isStreaming)) && origin !== undefined) {
    reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'content-range, accept-ranges, etag, location, link',
      'cross-origin-resource-policy': 'cross-origin',
      vary: 'Origin',
    })
    return
  }
  if (source === 'foreign') throw new CrossSiteRequestError(origin ?? 'another site')
}

function authenticate(request: FastifyRequest, credentials: Credentials): void {
  const { access = 'manage', tokenInQuery = false } = request.routeOptions.config
  const token = credentialOf(request, tokenInQuery)
  if (token !== undefined) {
    request.principal = credentials.find(token) ?? null
    // A wrong token is never taken for no token: whoever sends one should learn that it is wrong.
    if (request.principal === null && access !== 'public') throw new UnauthenticatedError('the token is not known')
  } else if (!credentials.areConfigured && isLocal(request)) {
    request.principal = LOCAL_ADMIN
  }
  if (access === 'public' || access === 'playable') return
  if (request.principal === null) throw new UnauthenticatedError('a credential is needed')
  if (access !== 'any') request.principal.require(access)
}

/** The token of the Authorization header, or of the query where that is taken. @throws {UnauthenticatedError} it is none */
export function credentialOf(request: FastifyRequest, tokenInQuery = true): string | undefined {
  return bearerToken(request) ?? (tokenInQuery ? queryToken(request) : undefined)
}

function bearerToken({ headers }: FastifyRequest): string | undefined {
  const match = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')
  if (match === null && headers.authorization !== undefined) {
    throw new UnauthenticatedError('the Authorization header is not of the form "Bearer <token>"')
  }
  return match?.[1]
}

function queryToken({ query }: FastifyRequest): string | undefined {
  const token = query !== null && typeof query === 'object' && 'token' in query ? query.token : undefined
  return typeof token === 'string' && token !== '' ? token : undefined
}

/** From this machine, and not on behalf of someone else: a reverse proxy's clients are strangers. */
function isLocal(request: FastifyRequest): boolean {
  return isLoopbackAddress(request.socket.remoteAddress ?? '') && !isForwarded(request)
}

/** What proxies add when they ask for someone else. */
const FORWARDING_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** Whether a proxy says that it asks for someone else. */
export function isForwarded({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return FORWARDING_HEADERS.some((name) => headers[name] !== undefined)
}

/** The principal of a route that needs one; the guard has seen to it. */
export function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === null) throw new UnauthenticatedError('a credential is needed')
  return principal
}
