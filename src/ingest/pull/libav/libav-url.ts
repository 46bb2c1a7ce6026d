import { fileURLToPath } from 'node:url'
import { publicUrl } from '#base/public-url.ts'
import { PullUrlError } from '../errors.ts'

/** Schemes that are read by libavformat. */
export const LIBAV_SCHEMES = ['http', 'https', 'srt', 'udp', 'file'] as const
/** One of {@link LIBAV_SCHEMES}. */
export type LibavScheme = (typeof LIBAV_SCHEMES)[number]

/** An address that libavformat reads. */
export interface LibavUrl {
  readonly scheme: LibavScheme
  /** As it is given to libavformat. */
  readonly url: string
  /** Credentials hidden. */
  readonly shown: string
  /** Of `file:`; empty for others. */
  readonly path: string
  /** The sender comes to us: it may take its time. */
  readonly isAwaited: boolean
}

const EXAMPLES: Readonly<Record<LibavScheme, string>> = {
  http: 'http://host/live/stream.m3u8',
  https: 'https://host/live/stream.m3u8',
  srt: 'srt://host:9710 or srt://:9710?mode=listener',
  udp: 'udp://239.0.0.1:1234 or udp://:1234',
  file: 'file:///media/film.mp4',
}

const MAX_CHARACTERS = 2048
const MAX_PORT = 65_535

/** @throws {PullUrlError} it can't be an address of its scheme */
export function parseLibavUrl(url: string): LibavUrl {
  const shown = publicUrl(url)
  const scheme = LIBAV_SCHEMES.find((each) => url.toLowerCase().startsWith(`${each}:`)) ?? 'http'
  const refuse = (reason: string) => new PullUrlError(shown, reason, EXAMPLES[scheme])
  if (url.length > MAX_CHARACTERS) throw refuse(`has more than ${MAX_CHARACTERS} characters`)
  // Nothing that a protocol's text could take for its own line or word.
  if (/[\0-\x20\x7f]/.test(url)) throw refuse('has a space or control character')
  const [, authority = '', rest = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/is.exec(url) ?? []
  const parsed = { scheme, url: `${scheme}${url.slice(scheme.length)}`, shown, path: '', isAwaited: false }
  switch (scheme) {
    case 'http':
    case 'https':
      if (authority === '' || !URL.canParse(url)) throw refuse('is no address')
      return parsed
    case 'srt':
    case 'udp': {
      const [, host = '', port = ''] = /^(?:[^@]*@)?(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/.exec(authority) ?? []
      if (Number(port) < 1 || Number(port) > MAX_PORT) throw refuse('has no port')
      const mode = /[?&]mode=([^&]*)/.exec(rest)?.[1] ?? 'caller'
      if (scheme === 'srt' && mode === 'caller' && host === '') throw refuse('names no host')
      return { ...parsed, isAwaited: scheme === 'udp' || mode !== 'caller' }
    }
    case 'file':
      return { ...parsed, path: pathOf(url, refuse) }
  }
}

function pathOf(url: string, refuse: (reason: string) => PullUrlError): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw refuse('is no file of this machine')
  }
}
