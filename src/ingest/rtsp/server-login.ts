import { randomBytes } from 'node:crypto'
import { errorCode, TapedeckError } from '#base/error.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { StreamAddress } from '#protocols/rtsp/address.ts'
import {
  type Authorization,
  parseAuthorization,
  provesPassword,
  writeChallenges,
} from '#protocols/rtsp/authentication.ts'
import type { RtspRequest } from '#protocols/rtsp/message.ts'
import { RtspLoginError, RtspRefusal } from './errors.ts'
import type { Peer } from './peer.ts'

const REALM = 'Tapedeck'

/** Programs try an empty or a remembered password first; who fails more often guesses. */
const MAX_ATTEMPTS = 6

/** The caller may try again with a login. */
export class RtspLoginRequiredError extends RtspRefusal {
  readonly code = 'rtsp/login-required'
  readonly origin = 'client'
  readonly status = 401
  /** Values of `WWW-Authenticate`. */
  readonly challenges: readonly string[]
  constructor(path: string, challenges: readonly string[]) {
    super(`${path} needs a login: any user name, and a token of auth.tokens as the password, or ?key=<token>`)
    this.challenges = challenges
  }
}

/** Asks whether the other end of a connection may publish or play, by its address or its login. */
export class Login {
  readonly #access: StreamAccess
  readonly #peer: Pick<Peer, 'protocol' | 'remoteAddress'>
  /** Good for this connection only, so that nobody else can use an answer to it again. */
  readonly #nonce = randomBytes(16).toString('hex')
  #granted = ''
  #failures = 0

  constructor(access: StreamAccess, peer: Pick<Peer, 'protocol' | 'remoteAddress'>) {
    this.#access = access
    this.#peer = peer
  }

  /**
   * Resolves when allowed; once allowed, a connection need not prove it again.
   * @throws {RtspLoginRequiredError} the same with a login may be allowed
   * @throws {RtspLoginError} too many attempts: the connection should end
   * @throws {TapedeckError} refused
   */
  async authorize(
    action: 'publish' | 'play',
    path: string,
    address: StreamAddress,
    request: RtspRequest,
  ): Promise<void> {
    if (this.#granted === `${action} ${path}`) return
    const authorization = parseAuthorization(request.headers.get('Authorization') ?? '')
    const { protocol, remoteAddress } = this.#peer
    try {
      const proves = this.#proofOf(authorization, request.method)
      const query = { ...fromLogin(authorization), ...address.query }
      await this.#access.authorize({ action, path, protocol, remoteAddress, query, proves })
    } catch (error) {
      if (!(error instanceof TapedeckError) || errorCode(error) !== 'auth/stream-access-denied') throw error
      const schemes = this.#access.logins?.(action) ?? []
      if (schemes.length === 0) throw error
      if (authorization !== undefined && ++this.#failures >= MAX_ATTEMPTS) throw new RtspLoginError(this.#failures)
      throw new RtspLoginRequiredError(path, writeChallenges(REALM, this.#nonce, schemes))
    }
    this.#granted = `${action} ${path}`
  }

  #proofOf(authorization: Authorization | undefined, method: string): ((secret: string) => boolean) | undefined {
    if (authorization?.scheme !== 'digest') return undefined
    return (secret) => provesPassword(authorization, secret, { method, realm: REALM, nonce: this.#nonce })
  }
}

/** A password told in clear is what `?key=` is. */
function fromLogin(authorization: Authorization | undefined): Readonly<Record<string, string>> {
  if (authorization?.scheme !== 'basic') return {}
  return { user: authorization.user, key: authorization.password }
}
