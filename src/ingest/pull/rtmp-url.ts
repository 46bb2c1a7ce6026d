import { publicUrl } from '#base/public-url.ts'
import { PullUrlError } from './errors.ts'

/** Where an RTMP client connects, and what it asks for there. */
export interface RtmpUrl {
  readonly scheme: 'rtmp' | 'rtmps'
  /** Without the brackets of an IPv6 address. */
  readonly host: string
  readonly port: number
  /** Decoded; empty when there are none. */
  readonly user: string
  readonly password: string
  /** Application, with its instance and query where given. */
  readonly app: string
  /** Name of the stream, with its query. */
  readonly stream: string
  /** The URL of `connect`: without credentials and stream. */
  readonly tcUrl: string
  /** The whole address, credentials hidden. */
  readonly shown: string
}

const DEFAULT_PORTS = { rtmp: 1935, rtmps: 443 } as const
const MAX_URL_CHARACTERS = 4096

/**
 * Reads an RTMP address as FFmpeg and librtmp do: the application is the first component of the path, and with three or
 * more the first two (`app/instance`); the rest names the stream, query included. A component with a colon (`mp4:file`)
 * begins the name. What comes before a double slash is the application, however long it is.
 * @throws {PullUrlError}
 */
export function parseRtmpUrl(url: string): RtmpUrl {
  const shown = publicUrl(url)
  if (url.length > MAX_URL_CHARACTERS) throw new PullUrlError(shown, `is longer than ${MAX_URL_CHARACTERS} characters`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u0020\u007f]/.test(url)) throw new PullUrlError(shown, 'has spaces or control characters')
  const matched = /^(rtmps?):\/\/(?:([^@/?#]*)@)?(\[[^\]/?#]*\]|[^:/?#@[\]]+)(?::(\d+))?(?:\/(.*))?$/i.exec(url)
  if (matched === null) throw new PullUrlError(shown, 'is not an RTMP address')
  const [, schemeText = '', login = '', hostText = '', portText, path = ''] = matched
  const scheme = schemeText.toLowerCase() === 'rtmps' ? 'rtmps' : 'rtmp'
  const port = portText === undefined ? DEFAULT_PORTS[scheme] : Number(portText)
  if (port < 1 || port > 65_535) throw new PullUrlError(shown, `has the port ${port}, and 1 to 65535 are possible`)
  const { app, stream } = splitPath(path)
  if (app === '') throw new PullUrlError(shown, 'names no application')
  if (stream.replace(/\?.*$/s, '') === '') throw new PullUrlError(shown, 'names no stream')
  const colonAt = login.indexOf(':')
  return {
    scheme,
    host: hostText.replace(/^\[|\]$/g, ''),
    port,
    user: decoded(colonAt < 0 ? login : login.slice(0, colonAt), shown),
    password: decoded(colonAt < 0 ? '' : login.slice(colonAt + 1), shown),
    app,
    stream,
    tcUrl: `${scheme}://${hostText}:${port}/${app}`,
    shown,
  }
}

function splitPath(path: string): { app: string; stream: string } {
  const queryAt = path.indexOf('?')
  const plain = queryAt < 0 ? path : path.slice(0, queryAt)
  const double = plain.indexOf('//')
  if (double >= 0) return { app: plain.slice(0, double), stream: path.slice(double).replace(/^\/+/, '') }
  const first = plain.indexOf('/')
  if (first < 0) {
    // `app?query/stream`: the query is the application's, as some servers have it.
    const streamAt = path.indexOf('/')
    return streamAt < 0 ? { app: path, stream: '' } : { app: path.slice(0, streamAt), stream: path.slice(streamAt + 1) }
  }
  const second = plain.indexOf('/', first + 1)
  const colon = plain.indexOf(':', first + 1)
  const isInstance = second >= 0 && !(colon >= 0 && colon < second) && second + 1 < plain.length
  const at = isInstance ? second : first
  return { app: path.slice(0, at), stream: path.slice(at + 1) }
}

function decoded(text: string, shown: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new PullUrlError(shown, 'has a "%" in its credentials that begins no character: write it as %25')
  }
}
