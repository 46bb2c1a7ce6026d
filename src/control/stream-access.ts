import type { Config } from '#config/config.ts'
import type { AccessRequest, StreamAccess } from '#hub/access.ts'
import { askAccessEndpoint, type Fetch } from './access-endpoint.ts'
import type { Credentials } from './auth.ts'
import { StreamAccessDeniedError } from './errors.ts'
import { isLoopbackAddress } from './loopback.ts'

export interface StreamAccessOptions {
  readonly auth: Pick<Config['auth'], 'publish' | 'play'>
  readonly credentials: Credentials
  /** The global fetch; tests give their own. */
  readonly fetch: Fetch
}

/** Decides who may publish and play, by the configuration's `auth.publish` and `auth.play`. */
export function createStreamAccess({ auth, credentials, fetch }: StreamAccessOptions): StreamAccess {
  return {
    async authorize(request) {
      const policy = auth[request.action]
      if (policy === 'open') return authorizeOpen(request)
      if (policy === 'key') return authorizeKey(request, credentials)
      await askAccessEndpoint(policy.http, request, fetch)
    },
    logins(action) {
      const policy = auth[action]
      if (policy === 'open') return []
      // An endpoint has to be told the secret to judge it.
      return policy === 'key' ? ['digest', 'basic'] : ['basic']
    },
  }
}

/** Open means open to this machine: strangers get nothing, whatever the listener's address. */
function authorizeOpen({ action, path, remoteAddress }: AccessRequest): void {
  if (isLoopbackAddress(remoteAddress)) return
  const reason = `auth.${action} is open, which is for this machine only; set it to "key" for others`
  throw new StreamAccessDeniedError(action, path, reason)
}

function authorizeKey({ action, path, query, proves }: AccessRequest, credentials: Credentials): void {
  const key = query['key']
  if ((key === undefined || key === '') && proves === undefined)
    throw new StreamAccessDeniedError(action, path, 'add ?key=<token> to the address')
  const principal = key === undefined || key === '' ? credentials.findProven(proves) : credentials.find(key)
  const permission = action === 'publish' ? 'publish' : 'view'
  // One sentence for all three causes: a guesser learns nothing.
  if (principal === undefined || !principal.may(permission) || !principal.reaches(path)) {
    throw new StreamAccessDeniedError(action, path, 'the key does not allow it')
  }
}
