import type { OpenViduSettings } from './settings.ts'

/** What clients are told to call this server. */
export interface PublicAddress {
  /** `https://HOST[:PORT]`, without a slash at the end; 443 is left out. spec section 4.4. */
  readonly url: string
  /** `HOST:PORT` of token URLs: always with the port in classic, which the clients of its time need. spec section 7.4. */
  readonly tokenHost: string
}

/**
 * From the vendor's public URL, or `localhost` when none is given.
 * @param listeningPort the port that is really open, for a public URL that names none
 */
export function publicAddress(
  { publicUrl, compat }: Pick<OpenViduSettings, 'publicUrl' | 'compat'>,
  listeningPort: number,
): PublicAddress {
  // Words of the early versions for "find out yourself": nothing but this machine can be known.
  const isWord = ['', 'local', 'localhost', 'docker', 'ngrok'].includes(publicUrl)
  const given = isWord ? 'localhost' : publicUrl
  const text = /^[a-z]+:\/\//i.test(given) ? given : `https://${given}`
  const parsed = URL.canParse(text) ? new URL(text) : new URL('https://localhost')
  const scheme = /^(http|ws):$/.test(parsed.protocol) ? 'http' : 'https'
  const standard = scheme === 'https' ? 443 : 80
  // A whole URL without a port means the scheme's own; a host alone is where we listen.
  const isWholeUrl = text === given
  const port = explicitPort(text) ?? (isWholeUrl ? standard : listeningPort)
  const host = parsed.hostname
  return {
    url: `${scheme}://${host}${port === standard ? '' : `:${port}`}`,
    tokenHost: port === 443 && compat === 'modern' ? host : `${host}:${port}`,
  }
}

/** The URL class drops a port that is the scheme's own. */
function explicitPort(url: string): number | undefined {
  const [, port] = /^[a-z]+:\/\/[^/?#]*?:(\d{1,5})(?:[/?#]|$)/i.exec(url) ?? []
  return port === undefined ? undefined : Number(port)
}
