/**
 * An address as others may see it: user and password, the values of the query, and in pages those of a route in the
 * fragment (where tokens stand), are hidden. Takes any text; what is no URL has nothing to hide but these.
 */
export function publicUrl(url: string): string {
  const [, scheme = '', authority = '', whole = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)(.*)$/is.exec(url) ?? []
  // `#/room/token`; what follows `:~:` is for us.
  const rest = whole.replace(/(#\/[^/?#]*\/)[^?#]*?(?=$|[?#]|:~:)/s, '$1***')
  const at = authority.lastIndexOf('@')
  const host = at < 0 ? authority : `***@${authority.slice(at + 1)}`
  const queryAt = rest.indexOf('?')
  if (queryAt < 0) return scheme + host + rest
  const query = rest.slice(queryAt).replace(/([?&;][^=&;/#]*=)[^&;/#]*/g, '$1***')
  return scheme + host + rest.slice(0, queryAt) + query
}
