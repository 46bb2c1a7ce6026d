import { errorMessage } from '#base/error.ts'
import type { AccessRequest } from '#hub/access.ts'
import { AccessEndpointError, StreamAccessDeniedError } from './errors.ts'

/** The part of the global fetch that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** A publisher waits for this answer with its connection open. */
const TIMEOUT_MS = 5_000

/**
 * Asks the operator's endpoint: POST of the request as JSON. 2xx allows, 401 and 403 refuse; anything else, a redirect
 * and silence are a failure, which refuses too. The answer's body is not read.
 * @throws {StreamAccessDeniedError} refused
 * @throws {AccessEndpointError} no usable answer
 */
export async function askAccessEndpoint(url: string, request: AccessRequest, fetch: Fetch): Promise<void> {
  const response = await post(url, request, fetch)
  await response.body?.cancel()
  if (response.ok) return
  const { action, path } = request
  if (response.status === 401 || response.status === 403) {
    throw new StreamAccessDeniedError(action, path, 'the access endpoint said no')
  }
  throw new AccessEndpointError(withoutSecrets(url), `answered ${response.status}`)
}

async function post(url: string, request: AccessRequest, fetch: Fetch): Promise<Response> {
  try {
    const target = new URL(url)
    const login = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
    target.username = ''
    target.password = ''
    // fetch refuses a login in the address, which is where operators put one.
    const authorization = login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
    return await fetch(target.href, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      body: JSON.stringify(request),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    throw new AccessEndpointError(withoutSecrets(url), `gave no answer (${errorMessage(error)})`, error)
  }
}

/** Logins and query strings of the operator's URL stay out of logs and of answers to strangers. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
