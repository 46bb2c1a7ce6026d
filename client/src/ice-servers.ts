/**
 * STUN and TURN servers out of a WHIP or WHEP answer's Link header. RFC 9725 §4.6:
 * `<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="pass"`.
 */
export function iceServersOf(link: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = []
  for (const [, urls = '', parameters = ''] of (link ?? '').matchAll(
    /<([^>]*)>((?:\s*;\s*[\w-]+(?:\s*=\s*(?:"(?:\\.|[^"\\])*"|[^",;\s]+))?)*)/g,
  )) {
    const named = parametersOf(parameters)
    if (!(named.get('rel') ?? '').split(/\s+/).includes('ice-server')) continue
    const username = named.get('username')
    const credential = named.get('credential')
    servers.push({
      urls,
      ...(username === undefined ? {} : { username }),
      ...(credential === undefined ? {} : { credential }),
    })
  }
  return servers
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^",;\s]+))/g)]
  return new Map(
    found.map(([, name = '', quoted, plain = '']) => [name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain]),
  )
}
