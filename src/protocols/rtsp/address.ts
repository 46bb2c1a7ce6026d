/** Parts of an address of a stream, or of one of its media. */
export interface StreamAddress {
  /** Without slashes at its ends, percent signs decoded; empty for the server itself. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Without query, user and trailing slash: what relative addresses are relative to. */
  readonly base: string
}

/** Reads the address of a request, absolute or just a path. */
export function parseStreamAddress(uri: string): StreamAddress {
  const [, scheme = '', authority = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*:\/\/)([^/?#]*))?([^#]*)/i.exec(uri) ?? []
  const question = rest.indexOf('?')
  const rawPath = (question < 0 ? rest : rest.slice(0, question)).replace(/^\/+/, '').replace(TRAILING_SLASHES, '')
  const query: Record<string, string> = Object.create(null)
  const queryText = question < 0 ? '' : rest.slice(question + 1)
  for (const [name, value] of new URLSearchParams(queryText.replace(TRAILING_SLASHES, ''))) query[name] = value
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  return { path: decoded(rawPath), query, base: `${scheme}${host}/${rawPath}` }
}

const TRAILING_SLASHES = /(?<!\/)\/+$/

/**
 * The address of a stream from that of one of its media: clients add the name of a medium to the end of whatever they
 * were given, also after a query (`rtsp://host/live/cam1?key=k/trackID=1`). Undefined: it is another's.
 */
export function withoutControl(uri: string, control: string): string | undefined {
  const name = control.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/^\/+/, '')
  const whole = uri.replace(TRAILING_SLASHES, '')
  const ending = `/${name.replace(TRAILING_SLASHES, '')}`
  if (name === '' || !whole.endsWith(ending)) return undefined
  return whole.slice(0, -ending.length)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that is just one.
    return text
  }
}

/**
 * Where a medium is set up: `control` as the description has it, `base` the address it is relative to (Content-Base,
 * Content-Location or what was asked for; RFC 2326 appendix C.1.1). A query stays at the end of the path it belongs to.
 */
export function controlAddress(base: string, control: string): string {
  if (control === '' || control === '*') return base
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(control)) return control
  const [, root = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)/i.exec(base) ?? []
  if (control.startsWith('/')) return `${root}${control}`
  // As everybody does it, other than RFC 3986: the last component of the base stays.
  return base.endsWith('/') ? `${base}${control}` : `${base}/${control}`
}
