import type { IncomingHttpHeaders } from 'node:http'

/** `foreign`: a page of another site made the browser send this. */
export type RequestSource = 'own' | 'allowed' | 'foreign'

export interface CrossSiteRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

/**
 * Who made the browser send a request, by Fetch Metadata (Sec-Fetch-*) and Origin. Programs send neither and are
 * `own`: they prove themselves by credentials, or are on this machine. `allowed`: an origin of api.allowedOrigins.
 */
export function requestSource({ method, headers }: CrossSiteRequest, allowedOrigins: readonly string[]): RequestSource {
  const { origin } = headers
  if (origin !== undefined && allowedOrigins.includes(origin)) return 'allowed'
  // Also where Fetch Metadata says "same-origin": behind a proxy that rewrites Host, that is the proxy's origin.
  if (origin !== undefined && !isSameOrigin(origin, headers.host)) return 'foreign'
  const site = headers['sec-fetch-site']
  // A link someone follows opens a page of ours: nothing of it is readable from where the link was.
  if (method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document')
    return 'own'
  return site === undefined || site === 'same-origin' || site === 'none' ? 'own' : 'foreign'
}

/** The scheme is not compared: a proxy may have ended TLS. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
