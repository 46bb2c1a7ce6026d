import { createHash } from 'node:crypto'

/** A GET as a client with a user and a password makes it: asked without, challenged, answered. RFC 7616 §3.4. */
export async function digestFetch(url: string, user: string, password: string, method = 'GET'): Promise<Response> {
  const refused = await fetch(url, { method })
  if (refused.status !== 401) return refused
  await refused.body?.cancel()
  const challenge = refused.headers.get('www-authenticate') ?? ''
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? ''
  const { pathname, search } = new URL(url)
  const uri = pathname + search
  const [realm, nonce, nc, cnonce] = [field('realm'), field('nonce'), '00000001', 'd00d']
  const ha1 = md5(`${user}:${realm}:${password}`)
  const ha2 = md5(`${method}:${uri}`)
  const response = md5([ha1, nonce, nc, cnonce, 'auth', ha2].join(':'))
  const authorization =
    `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=MD5, ` +
    `qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}"`
  return await fetch(url, { method, headers: { authorization } })
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
