import { createHash } from 'node:crypto'

/** Who logs in, and something nobody can foresee. */
export interface Login {
  readonly user: string
  readonly password: string
  /** Eight hexadecimal digits. */
  readonly nonce: string
}

/**
 * The query that answers a refused `connect`, to be added to the application of the next attempt; undefined: there is
 * nothing to answer, or the credentials were wrong. "AccessManager" of Adobe's servers, `authmod=adobe`: first the user
 * is named, then a salted, nonced digest of the password follows. Never specified; as in FFmpeg's rtmpproto.c.
 * @param description of the refusal, `[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&salt=…`
 */
export function accessManagerAnswer(description: string, login: Login): string | undefined {
  if (login.user === '' || !description.includes('authmod=adobe')) return undefined
  const user = encodeURIComponent(login.user)
  const challengeAt = description.indexOf('?reason=')
  if (challengeAt < 0) return `authmod=adobe&user=${user}`
  const fields = new Map(
    description
      .slice(challengeAt + 1)
      .split('&')
      .map((field): [string, string] => {
        const [name = '', ...value] = field.trim().split('=')
        return [name, value.join('=')]
      }),
  )
  if (fields.get('reason') !== 'needauth') return undefined
  const salted = digest(login.user, fields.get('salt') ?? '', login.password)
  const opaque = fields.get('opaque') ?? ''
  const response = digest(salted, opaque === '' ? (fields.get('challenge') ?? '') : opaque, login.nonce)
  const rest = opaque === '' ? '' : `&opaque=${opaque}`
  return `authmod=adobe&user=${user}&challenge=${login.nonce}&response=${response}${rest}`
}

function digest(...parts: readonly string[]): string {
  return createHash('md5').update(parts.join('')).digest('base64')
}
