import { publicUrl } from '#base/public-url.ts'
import { PullUrlError } from '../pull/errors.ts'

/** Where an RTSP client connects, and what it asks for there. */
export interface RtspUrl {
  readonly scheme: RtspScheme
  readonly isTls: boolean
  /** Messages and media travel in a pair of HTTP requests. */
  readonly isTunnelled: boolean
  /** Without the brackets of an IPv6 address. */
  readonly host: string
  readonly port: number
  /** Decoded; empty when there are none. */
  readonly user: string
  readonly password: string
  /** What requests name: `rtsp://` (or `rtsps://`), host, path and query, as written, without credentials. */
  readonly address: string
  /** Path and query, for the requests of a tunnel. */
  readonly path: string
  /** The whole address, credentials hidden. */
  readonly shown: string
}

/** Schemes that are pulled, and their ports. 322 is IANA's for RTSP over TLS. */
const DEFAULT_PORTS = { rtsp: 554, rtsps: 322, 'rtsp+http': 80, 'rtsp+https': 443 } as const
/** One of {@link RTSP_SCHEMES}. */
export type RtspScheme = keyof typeof DEFAULT_PORTS
/** What an address that is pulled over RTSP may begin with. */
export const RTSP_SCHEMES = Object.keys(DEFAULT_PORTS) as readonly RtspScheme[]

const MAX_URL_CHARACTERS = 4096
const EXAMPLE = 'rtsp://user:password@camera:554/stream'

/**
 * Reads the address of a camera. What stands before the last `@` of the authority is the login: passwords of cameras
 * have such signs.
 * @throws {PullUrlError}
 */
export function parseRtspUrl(url: string): RtspUrl {
  const shown = publicUrl(url)
  const wrong = (reason: string) => new PullUrlError(shown, reason, EXAMPLE)
  if (url.length > MAX_URL_CHARACTERS) throw wrong(`is longer than ${MAX_URL_CHARACTERS} characters`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u0020\u007f]/.test(url)) throw wrong('has spaces or control characters')
  const [, schemeText = '', authority = '', rest = ''] = /^([a-z+]+):\/\/([^/?#]*)([^#]*)/i.exec(url) ?? []
  const scheme = RTSP_SCHEMES.find((each) => each === schemeText.toLowerCase())
  if (scheme === undefined) throw wrong('is not an RTSP address')
  const at = authority.lastIndexOf('@')
  const login = at < 0 ? '' : authority.slice(0, at)
  const [, host = '', portText] = /^(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(authority.slice(at + 1)) ?? []
  if (host === '') throw wrong('names no host, or its port is no number')
  const port = portText === undefined ? DEFAULT_PORTS[scheme] : Number(portText)
  if (port < 1 || port > 65_535) throw wrong(`has the port ${port}, and 1 to 65535 are possible`)
  const isTls = scheme === 'rtsps' || scheme === 'rtsp+https'
  const isTunnelled = scheme === 'rtsp+http' || scheme === 'rtsp+https'
  // Behind a tunnel it is plain RTSP, on a port that is the tunnel's.
  const requestScheme = scheme === 'rtsps' ? 'rtsps' : 'rtsp'
  const colon = login.indexOf(':')
  const path = rest.startsWith('/') ? rest : `/${rest}`
  return {
    scheme,
    isTls,
    isTunnelled,
    host: host.replace(/^\[|\]$/g, ''),
    port,
    user: decoded(colon < 0 ? login : login.slice(0, colon)),
    password: decoded(colon < 0 ? '' : login.slice(colon + 1)),
    address: `${requestScheme}://${host}${portText === undefined ? '' : `:${port}`}${rest}`,
    path,
    shown,
  }
}

/**
 * Where a server sends us instead. The login goes along to the same host only, and never from TLS to plain.
 * @throws {PullUrlError} the address can't be used
 */
export function redirected(from: RtspUrl, location: string): RtspUrl {
  const isAbsolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(location)
  const base = from.address.replace(/^([a-z]+:\/\/[^/?#]*).*$/i, '$1')
  const to = parseRtspUrl(isAbsolute ? location : `${base}${location.startsWith('/') ? '' : '/'}${location}`)
  const isSameHost = to.host.toLowerCase() === from.host.toLowerCase()
  // Who is reached through a tunnel only names himself without it.
  const way = isSameHost && from.isTunnelled && !to.isTls ? from : to
  const { scheme, isTls, isTunnelled, port } = way
  if (from.isTls && !isTls) {
    throw new PullUrlError(to.shown, `is where ${from.shown} sends us, and is not encrypted as that is`, EXAMPLE)
  }
  const { user, password } = to.user === '' && isSameHost ? from : to
  return { ...to, scheme, isTls, isTunnelled, port, user, password }
}

/** Passwords are pasted as they are: a percent sign that begins no character stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
