import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** How long a client may go on with one nonce; it gets another without asking its user. */
const NONCE_LIFE_MS = 300_000

/** Nonces whose counters are remembered; one that fell out is as if it were too old. */
const MAX_NONCES = 1_024

/** Longest Authorization header looked at. */
const MAX_HEADER_CHARACTERS = 4_096

/** What became of an Authorization header: who it proves, or what to answer. */
export type DigestOutcome = { readonly user: string } | 'stale' | 'wrong'

export interface DigestOptions {
  readonly realm: string
  /** Signs nonces; of this process only. */
  readonly secret: Uint8Array
  readonly nowMs: () => number
  /** Of a user; undefined for unknown ones. */
  readonly password: (user: string) => string | undefined
}

/**
 * HTTP digest authentication with MD5 and qop=auth. RFC 7616 (and RFC 2617 §3.2.2, which old clients follow). Nonces
 * carry their time and a signature; a counter that was used before is refused, so that nothing can be replayed.
 */
export class Digest {
  readonly #options: DigestOptions
  /** The highest counter of each nonce, oldest nonce first. */
  readonly #counters = new Map<string, number>()
  /** Nonces issued until then are as if too old, unless their counter is still known. */
  #forgottenMs = 0

  constructor(options: DigestOptions) {
    this.#options = options
  }

  /** The value of WWW-Authenticate. */
  challenge(isStale: boolean): string {
    const { realm, nowMs } = this.#options
    const nonce = this.#signed(`${nowMs()}.${randomBytes(8).toString('hex')}`)
    return `Digest realm="${realm}", qop="auth", algorithm=MD5, nonce="${nonce}"${isStale ? ', stale=true' : ''}`
  }

  /** @param url as it stands in the request line */
  check(header: string, method: string, url: string): DigestOutcome {
    const fields = readDigestFields(header)
    if (fields === undefined || fields.uri !== url || fields.qop !== 'auth') return 'wrong'
    const { realm, password } = this.#options
    if (fields.realm !== realm || !/^[0-9a-f]{8}$/i.test(fields.nc)) return 'wrong'
    const known = password(fields.username)
    // The same work for unknown users: nobody learns who exists.
    const ha1 = md5(`${fields.username}:${realm}:${known ?? ''}`)
    const ha2 = md5(`${method}:${url}`)
    const expected = md5([ha1, fields.nonce, fields.nc, fields.cnonce, fields.qop, ha2].join(':'))
    if (!isSame(expected, fields.response.toLowerCase()) || known === undefined) return 'wrong'
    return this.#take(fields.nonce, Number.parseInt(fields.nc, 16)) ? { user: fields.username } : 'stale'
  }

  /** False: not ours, too old, or its counter was used. */
  #take(nonce: string, counter: number): boolean {
    const issuedMs = issuedAtMs(nonce)
    const ageMs = this.#options.nowMs() - issuedMs
    if (!isSame(nonce, this.#signed(nonce.slice(0, Math.max(0, nonce.lastIndexOf('.')))))) return false
    if (!(ageMs >= 0 && ageMs < NONCE_LIFE_MS)) return false
    const used = this.#counters.get(nonce)
    // What was forgotten must not count as new.
    if (used === undefined ? issuedMs <= this.#forgottenMs : counter <= used) return false
    const [oldest] = this.#counters.keys()
    if (used === undefined && oldest !== undefined && this.#counters.size >= MAX_NONCES) {
      this.#counters.delete(oldest)
      this.#forgottenMs = Math.max(this.#forgottenMs, issuedAtMs(oldest))
    }
    this.#counters.set(nonce, counter)
    return true
  }

  #signed(issue: string): string {
    return `${issue}.${createHmac('sha256', this.#options.secret).update(issue).digest('hex')}`
  }
}

/** Fields of a digest Authorization header. */
interface DigestFields {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly qop: string
  readonly nc: string
  readonly cnonce: string
  readonly response: string
}

/** Undefined: not a digest header, or one without a field that is needed. */
export function readDigestFields(header: string): DigestFields | undefined {
  if (header.length > MAX_HEADER_CHARACTERS || !/^digest /i.test(header)) return undefined
  const found: Record<string, string> = Object.create(null)
  for (const [, name = '', quoted, plain] of header
    .slice(7)
    .matchAll(/([a-z]+) *= *(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)) {
    found[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''
  }
  const { username, realm, nonce, uri, qop, nc, cnonce, response, algorithm = 'MD5' } = found
  if (algorithm.toUpperCase() !== 'MD5') return undefined
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined) return undefined
  if (qop === undefined || nc === undefined || cnonce === undefined || response === undefined) return undefined
  return { username, realm, nonce, uri, qop, nc, cnonce, response }
}

function issuedAtMs(nonce: string): number {
  return Number(nonce.split('.')[0])
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/** In the same time, whatever differs. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
