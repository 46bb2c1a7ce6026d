/**
 * A playlist of HLS with every address of `https:` in it replaced, also where it is only told apart from the playlist's
 * own by its root. Relative ones stay: they follow the playlist's. RFC 8216 §4.1, §4.3.
 * @param base address of the playlist @param relayed what stands for an address
 */
export function relayedPlaylist(text: string, base: URL, relayed: (url: URL) => string): string {
  const replaced = (reference: string) => {
    if (!reference.startsWith('/') && !/^https:/i.test(reference)) return reference
    const url = URL.parse(reference, base.href)
    return url?.protocol === 'https:' ? relayed(url) : reference
  }
  return text
    .split('\n')
    .map((line) => {
      if (!line.startsWith('#')) return line.replace(/^(\s*)(\S.*?)(\s*)$/, (_, a, url, b) => a + replaced(url) + b)
      return line.replace(/URI="([^"]*)"/g, (_, url: string) => `URI="${replaced(url)}"`)
    })
    .join('\n')
}
