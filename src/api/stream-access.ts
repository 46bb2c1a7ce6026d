import type { FastifyRequest } from 'fastify'
import type { Config } from '#config/config.ts'
import { UnauthenticatedError } from '#control/errors.ts'
import type { Resources } from './app.ts'
import { requestSource } from './cross-site.ts'
import { CrossSiteRequestError } from './errors.ts'
import { credentialOf, isForwarded } from './guards.ts'

const PERMISSIONS = { publish: 'publish', play: 'view' } as const

/**
 * Lets somebody publish or play by HTTP as the other front doors do: by auth.publish and auth.play, with `?key=` or a
 * Bearer token. Where those leave it to tokens or to this machine, a known token is enough, as for the rest of the API.
 * @throws {TapedeckError} he may not
 */
export async function authorizeStream(
  request: FastifyRequest,
  { control, config }: Pick<Resources, 'control' | 'config'>,
  action: 'publish' | 'play',
  path: string,
): Promise<void> {
  const credential = credentialOf(request)
  const policy = config.auth[action]
  if (typeof policy === 'string') {
    if (request.principal !== null) {
      request.principal.requireFor(PERMISSIONS[action], path)
      return
    }
    if (credential !== undefined) throw new UnauthenticatedError('the token is not known')
    // Open means open to this machine, not to every page that a browser on it shows.
    if (policy === 'open') refuseForeign(request, config)
  }
  await control.access.authorize({
    action,
    path,
    protocol: 'webrtc',
    remoteAddress: remoteAddressOf(request),
    query: { ...singleValues(request.query), ...(credential === undefined ? {} : { key: credential }) },
  })
}

function refuseForeign(request: FastifyRequest, { api }: Config): void {
  if (requestSource(request, api.allowedOrigins) === 'foreign') {
    throw new CrossSiteRequestError(request.headers.origin ?? 'another site')
  }
}

/** A proxy's address says nothing about whom it speaks for, least of all that he is on this machine. */
function remoteAddressOf(request: FastifyRequest): string {
  const address = request.socket.remoteAddress ?? ''
  return isForwarded(request) ? `forwarded by ${address}` : address
}

/** A query's parameters, without those that are given more than once. */
export function singleValues(query: unknown): Record<string, string> {
  const entries = Object.entries(query ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(entries)
}
