import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Credentials, LOCAL_ADMIN, Principal } from '#control/auth.ts'
import { Digest } from './digest.ts'

const REALM = 'Tapedeck'

export interface AuthenticationOptions {
  readonly users: ReadonlyMap<string, string>
  readonly credentials: Credentials
  /** Whoever gets here may do everything: on loopback only. */
  readonly anonymous: boolean
  readonly nowMs: () => number
}

/** Who asks; or what to challenge him with. */
export type Authenticated = { readonly principal: Principal } | { readonly challenges: readonly string[] }

/** Lets in users by digest or basic authentication, and holders of the server's tokens. */
export class Authentication {
  readonly #options: AuthenticationOptions
  readonly #digest: Digest

  constructor(options: AuthenticationOptions) {
    this.#options = options
    const { users, nowMs } = options
    this.#digest = new Digest({ realm: REALM, secret: randomBytes(32), nowMs, password: (user) => users.get(user) })
  }

  /** @param url as it stands in the request line */
  check(header: string | undefined, method: string, url: string): Authenticated {
    const [, scheme = '', given = ''] = /^(\S+) +(.*)$/s.exec(header ?? '') ?? []
    switch (scheme.toLowerCase()) {
      case 'digest': {
        const outcome = this.#digest.check(header ?? '', method, url)
        return typeof outcome === 'string' ? this.#challenge(outcome === 'stale') : admitted(outcome.user)
      }
      case 'basic':
        return this.#basic(given)
      case 'bearer': {
        const principal = this.#options.credentials.find(given.trim())
        return principal === undefined ? this.#challenge(false) : { principal }
      }
      default:
        return this.#options.anonymous ? { principal: LOCAL_ADMIN } : this.#challenge(false)
    }
  }

  #basic(given: string): Authenticated {
    const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(given, 'base64').toString()) ?? []
    const known = this.#options.users.get(user)
    const isRight = isSame(password, known ?? '') && known !== undefined
    return isRight ? admitted(user) : this.#challenge(false)
  }

  /** Digest first: clients take the first they know. */
  #challenge(isStale: boolean): Authenticated {
    return { challenges: [this.#digest.challenge(isStale), `Basic realm="${REALM}"`] }
  }
}

function admitted(user: string): Authenticated {
  return { principal: new Principal(user, 'admin', '**') }
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
