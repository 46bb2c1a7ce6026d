import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { requestSource } from '#api/cross-site.ts'
import { isForwarded } from '#api/guards.ts'
import { isOurHost } from '#api/host-check.ts'
import type { ListenAddress } from '#config/config.ts'
import { isLoopbackAddress } from '#control/loopback.ts'
import { RestForeignRequestError, RestUnauthenticatedError } from './errors.ts'

export interface GuardOptions {
  /** Empty: any. */
  readonly userName: string
  /** Empty: nobody is asked, and only this machine's own programs and pages may come. */
  readonly password: string
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

/**
 * Lets a request pass or says why not. A browser sends credentials it remembers on behalf of any page, so pages of other
 * sites are turned away in any case; names are only compared where no credential is asked for (DNS rebinding).
 * @param hasTicket instead of the password
 * @throws {RestForeignRequestError | RestUnauthenticatedError}
 */
export function checkCaller(
  request: FastifyRequest,
  listening: ListenAddress,
  options: GuardOptions,
  hasTicket: boolean,
): void {
  if (requestSource(request, options.allowedOrigins) === 'foreign') {
    throw new RestForeignRequestError(`a page of ${request.headers.origin ?? 'another site'} asked`)
  }
  if (options.password !== '') {
    if (!hasTicket && !proves(request, options))
      throw new RestUnauthenticatedError('a credential is needed, or this one is wrong')
    return
  }
  if (!isOurHost(request.headers.host, listening, options.allowedHosts)) {
    throw new RestForeignRequestError(`${request.headers.host ?? 'no name'} is not this server's name`)
  }
  // A reverse proxy's clients are strangers, wherever the proxy is.
  if (!isLoopbackAddress(request.socket.remoteAddress ?? '') || isForwarded(request)) {
    throw new RestUnauthenticatedError('no credential is configured, so that only this machine may ask')
  }
}

function proves({ headers, query }: FastifyRequest, { userName, password }: GuardOptions): boolean {
  const [, scheme = '', credential = ''] = /^(\w+) +(\S+)$/.exec(headers.authorization ?? '') ?? []
  switch (scheme.toLowerCase()) {
    case 'basic': {
      const [user = '', ...rest] = Buffer.from(credential, 'base64').toString().split(':')
      return isSame(rest.join(':'), password) && (userName === '' || isSame(user, userName))
    }
    case 'bearer':
      return isSame(credential, password)
    default: {
      // A <video> can't send headers.
      const token = query !== null && typeof query === 'object' && 'token' in query ? query.token : undefined
      return typeof token === 'string' && isSame(token, password)
    }
  }
}

/** Compares digests, so that the time taken says nothing. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}
