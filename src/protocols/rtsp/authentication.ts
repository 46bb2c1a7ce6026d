import { createHash, timingSafeEqual } from 'node:crypto'

/** How a server wants its caller to prove who he is. RFC 7616, RFC 7617. */
export interface Challenge {
  readonly scheme: 'basic' | 'digest'
  readonly realm: string
  /** Digest only. */
  readonly nonce: string
  readonly opaque: string
  readonly algorithm: DigestAlgorithm
  /** The server takes `qop=auth`; otherwise the answer is that of RFC 2069. */
  readonly hasQop: boolean
  readonly isStale: boolean
}

/** Hash functions, also with a session key. */
export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess'

/** What a caller answered. */
export interface Authorization {
  readonly scheme: 'basic' | 'digest'
  readonly user: string
  /** Basic only. */
  readonly password: string
  /** Digest only: as sent. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Who somebody says he is. */
export interface Login {
  readonly user: string
  readonly password: string
}

/** Challenges to be sent, one header field each: the strongest first, since simple clients take the last they know. */
export function writeChallenges(realm: string, nonce: string, schemes: readonly ('basic' | 'digest')[]): string[] {
  const digest = (algorithm: string) => `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"`
  return [
    ...(schemes.includes('digest') ? [digest('SHA-256'), digest('MD5')] : []),
    ...(schemes.includes('basic') ? [`Basic realm="${realm}"`] : []),
  ]
}

/** The challenges of `WWW-Authenticate` fields; those nobody here can answer are left out. */
export function parseChallenges(fields: readonly string[]): Challenge[] {
  return fields.flatMap(splitChallenges).flatMap(({ scheme, parameters }): Challenge[] => {
    const realm = parameters.get('realm') ?? ''
    const nothing = { nonce: '', opaque: '', algorithm: 'MD5', hasQop: false, isStale: false } as const
    if (scheme === 'basic') return [{ scheme, realm, ...nothing }]
    const algorithm = algorithmOf(parameters.get('algorithm'))
    const nonce = parameters.get('nonce')
    if (scheme !== 'digest' || algorithm === undefined || nonce === undefined) return []
    const qop = parameters.get('qop') ?? ''
    const hasQop = qop.split(/[\s,]+/).includes('auth')
    // Only auth-int: nobody answers that.
    if (qop !== '' && !hasQop) return []
    const isStale = parameters.get('stale')?.toLowerCase() === 'true'
    return [{ scheme, realm, nonce, opaque: parameters.get('opaque') ?? '', algorithm, hasQop, isStale }]
  })
}

/** The one to answer: Digest before Basic, SHA-256 before MD5. */
export function strongestChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const strength = ({ scheme, algorithm }: Challenge) => {
    if (scheme === 'basic') return 0
    return algorithm.startsWith('SHA') ? 2 : 1
  }
  return challenges.toSorted((left, right) => strength(right) - strength(left))[0]
}

/**
 * The value of `Authorization` that answers a challenge.
 * @param counter which answer to this nonce it is, from 1
 * @param clientNonce a fresh random text
 */
export function answerChallenge(
  challenge: Challenge,
  login: Login,
  request: { readonly method: string; readonly uri: string },
  counter: number,
  clientNonce: string,
): string {
  const { user, password } = login
  if (challenge.scheme === 'basic') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const { realm, nonce, opaque, algorithm, hasQop } = challenge
  const nc = counter.toString(16).padStart(8, '0')
  const isSession = algorithm.endsWith('-sess')
  const facts = { algorithm, user, realm, nonce, uri: request.uri, nc, cnonce: clientNonce, qop: hasQop ? 'auth' : '' }
  const parts = [
    `username="${quotable(user)}"`,
    `realm="${quotable(realm)}"`,
    `nonce="${quotable(nonce)}"`,
    `uri="${quotable(request.uri)}"`,
    `response="${digestResponse(facts, password, request.method)}"`,
  ]
  // Old cameras stumble over parameters that they did not ask for: a plain MD5 challenge gets a plain answer.
  if (algorithm !== 'MD5' || hasQop) parts.push(`algorithm=${algorithm}`)
  if (opaque !== '') parts.push(`opaque="${quotable(opaque)}"`)
  if (hasQop) parts.push('qop=auth', `nc=${nc}`)
  if (hasQop || isSession) parts.push(`cnonce="${clientNonce}"`)
  return `Digest ${parts.join(', ')}`
}

/** Reads an `Authorization` field; undefined: neither Basic nor Digest. */
export function parseAuthorization(field: string): Authorization | undefined {
  const basic = /^\s*Basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(field)
  if (basic !== null) {
    const login = Buffer.from(basic[1] ?? '', 'base64').toString('utf8')
    const colon = login.indexOf(':')
    if (colon < 0) return undefined
    const parameters = new Map<string, string>()
    return { scheme: 'basic', user: login.slice(0, colon), password: login.slice(colon + 1), parameters }
  }
  const [first] = splitChallenges(field)
  if (first?.scheme !== 'digest') return undefined
  const { parameters } = first
  return { scheme: 'digest', user: parameters.get('username') ?? '', password: '', parameters }
}

/**
 * Whether somebody knows a password. The address in a Digest answer is taken as he wrote it: programs disagree about
 * which one it is, and the nonce belongs to one connection only.
 */
export function provesPassword(
  authorization: Authorization,
  password: string,
  expected: { readonly method: string; readonly realm: string; readonly nonce: string },
): boolean {
  if (authorization.scheme === 'basic') return sameText(authorization.password, password)
  const { parameters, user } = authorization
  const get = (name: string) => parameters.get(name) ?? ''
  const algorithm = algorithmOf(parameters.get('algorithm'))
  const qop = get('qop')
  if (algorithm === undefined || (qop !== '' && qop !== 'auth')) return false
  if (get('nonce') !== expected.nonce || get('realm') !== expected.realm) return false
  const { realm, nonce } = expected
  const facts = { algorithm, user, realm, nonce, uri: get('uri'), nc: get('nc'), cnonce: get('cnonce'), qop }
  return sameText(get('response').toLowerCase(), digestResponse(facts, password, expected.method))
}

interface DigestFacts {
  readonly algorithm: DigestAlgorithm
  readonly user: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly nc: string
  readonly cnonce: string
  /** Empty: as RFC 2069 has it. */
  readonly qop: string
}

/** RFC 7616 §3.4.1. */
function digestResponse(facts: DigestFacts, password: string, method: string): string {
  const { algorithm, user, realm, nonce, uri, nc, cnonce, qop } = facts
  const hash = (text: string) =>
    createHash(algorithm.startsWith('SHA') ? 'sha256' : 'md5')
      .update(text)
      .digest('hex')
  const secret = hash(`${user}:${realm}:${password}`)
  const a1 = algorithm.endsWith('-sess') ? hash(`${secret}:${nonce}:${cnonce}`) : secret
  const a2 = hash(`${method}:${uri}`)
  return qop === '' ? hash(`${a1}:${nonce}:${a2}`) : hash(`${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`)
}

function algorithmOf(text: string | undefined): DigestAlgorithm | undefined {
  const known = ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] as const
  if (text === undefined || text === '') return 'MD5'
  return known.find((each) => each.toLowerCase() === text.toLowerCase())
}

/** Takes as long whatever the texts are. */
function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(left), digest(right))
}

function quotable(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}

/** `Digest realm="a, b", nonce=c, Basic realm=d` → its schemes, with their parameters. */
function splitChallenges(field: string): { scheme: string; parameters: Map<string, string> }[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = []
  // A word that an equals sign follows is a parameter, any other begins a scheme.
  const pieces = /([^\s=,"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g
  for (const [, word = '', quoted, plain] of field.matchAll(pieces)) {
    if (quoted === undefined && plain === undefined) found.push({ scheme: word.toLowerCase(), parameters: new Map() })
    else found.at(-1)?.parameters.set(word.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
  }
  return found
}
