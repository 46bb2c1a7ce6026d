import { createHash, timingSafeEqual } from 'node:crypto'
import type { AuthToken, TokenRole } from '#config/config.ts'
import { compilePathPattern, type PathPattern } from '#hub/path-pattern.ts'
import { ForbiddenError } from './errors.ts'

/** What someone may do through the API, besides reading what the server is. `manage`: everything else. */
export type Permission = 'view' | 'record' | 'publish' | 'manage'

/** admin: everything. record: start and stop recordings, and view. play: view. publish: publish, nothing else. */
const GRANTS: Readonly<Record<TokenRole, readonly Permission[]>> = {
  admin: ['view', 'record', 'publish', 'manage'],
  record: ['view', 'record'],
  publish: ['publish'],
  play: ['view'],
}

/** Somebody who has proved who he is, and what that allows. */
export class Principal {
  /** Of the token, for logs and messages; never the token itself. */
  readonly name: string
  readonly role: TokenRole
  readonly #pattern: PathPattern

  constructor(name: string, role: TokenRole, match: string) {
    this.name = name
    this.role = role
    this.#pattern = compilePathPattern(match)
  }

  may(permission: Permission): boolean {
    return GRANTS[this.role].includes(permission)
  }

  get permissions(): readonly Permission[] {
    return GRANTS[this.role]
  }

  reaches(streamPath: string): boolean {
    return this.#pattern.matches(streamPath)
  }

  /** The token is not limited to paths. */
  get reachesEverything(): boolean {
    return this.#pattern.source === '**'
  }

  /** @throws {ForbiddenError} the role lacks the permission */
  require(permission: Permission): void {
    if (!this.may(permission)) throw new ForbiddenError(this.name, `${permission} (its role is ${this.role})`)
  }

  /** @throws {ForbiddenError} the role lacks the permission, or the path is outside the token's match */
  requireFor(permission: Permission, streamPath: string): void {
    this.require(permission)
    if (!this.reaches(streamPath)) throw new ForbiddenError(this.name, `touch ${streamPath}`)
  }

  /** For what concerns all streams at once. @throws {ForbiddenError} as require(), or the token is limited to paths */
  requireEverywhere(permission: Permission): void {
    this.require(permission)
    if (!this.reachesEverything) throw new ForbiddenError(this.name, `${permission} beyond ${this.#pattern.source}`)
  }
}

/** Who acts on a machine of his own with no credential configured. */
export const LOCAL_ADMIN = new Principal('local', 'admin', '**')

/** The configured tokens. Only digests are compared, so that the time taken says nothing about a token. */
export class Credentials {
  readonly #entries: readonly { readonly token: string; readonly digest: Buffer; readonly principal: Principal }[]

  constructor(tokens: readonly AuthToken[]) {
    this.#entries = tokens.map(({ name, token, role, match }) => ({
      token,
      digest: digestOf(token),
      principal: new Principal(name, role, match),
    }))
  }

  /** False: no token is configured, so that only this machine may act. */
  get areConfigured(): boolean {
    return this.#entries.length > 0
  }

  /** Compares with every token, found or not: always the same work. */
  find(token: string): Principal | undefined {
    const digest = digestOf(token)
    let found: Principal | undefined
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.digest, digest)) found ??= entry.principal
    }
    return found
  }

  /** The owner of the token of which somebody has proved to know it. */
  findProven(proves: ((token: string) => boolean) | undefined): Principal | undefined {
    return this.#entries.find(({ token }) => proves?.(token))?.principal
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
