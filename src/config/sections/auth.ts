import { type AuthToken, type Config, TOKEN_ROLES } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { accessPolicy } from '../values/access-policy.ts'
import { choice } from '../values/choice.ts'
import { list } from '../values/list.ts'
import { pathPattern } from '../values/path-pattern.ts'
import { record } from '../values/record.ts'
import { text } from '../values/text.ts'

/** Shorter ones can be guessed over the network in reasonable time. */
const MIN_TOKEN_CHARACTERS = 16

const token = record("a mapping such as { name: studio, role: admin, token: '…' }", {
  name: { type: text('a name to recognise it by', { minLength: 1 }), required: true },
  token: {
    type: text(`a secret of at least ${MIN_TOKEN_CHARACTERS} characters without spaces`, {
      pattern: new RegExp(`^[\\x21-\\x7e]{${MIN_TOKEN_CHARACTERS},}$`),
    }),
    required: true,
  },
  role: { type: choice(TOKEN_ROLES), required: true },
  match: { type: pathPattern, fallback: '**' },
})

/** Who may do what. */
export const AUTH_KEYS = {
  tokens: new Key(list(token, 'tokens'), {
    default: [],
    about:
      'Credentials: name, token (at least 16 characters), role (admin, record, publish or play) and match, a pattern over stream paths (**). Without any, this machine alone may do everything.',
    secret: true,
  }),
  publish: new Key(accessPolicy, {
    default: 'open',
    about:
      'Who may publish. open: anybody, on loopback only. key: ?key= with a token. { http: URL }: your endpoint is asked.',
  }),
  play: new Key(accessPolicy, {
    default: 'open',
    about: 'Who may play live streams over RTMP and RTSP; the same choices as publish.',
  }),
}

/** Two tokens can't share a name or a secret: logs and roles would be ambiguous. */
export function checkAuth(auth: Config['auth']): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  for (const field of ['name', 'token'] as const) {
    const seen = new Map<string, number>()
    for (const [index, each] of auth.tokens.entries()) {
      const before = seen.get(each[field])
      seen.set(each[field], index)
      if (before === undefined) continue
      const expected = `is the same as auth.tokens[${before}].${field}: each token needs its own`
      problems.push({ path: `auth.tokens[${index}].${field}`, found: '', expected, where: '' })
    }
  }
  for (const action of ['publish', 'play'] as const) {
    if (auth[action] !== 'key' || auth.tokens.some((each) => mayDo(each, action))) continue
    const roles = action === 'play' ? 'play, record or admin' : 'publish or admin'
    const expected = `is key, but no token has the role ${roles}: add one to auth.tokens`
    problems.push({ path: `auth.${action}`, found: '', expected, where: '' })
  }
  return problems
}

function mayDo(each: AuthToken, action: 'publish' | 'play'): boolean {
  return each.role === 'admin' || each.role === action || (action === 'play' && each.role === 'record')
}
