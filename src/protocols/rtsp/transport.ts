/** Two neighbours: of RTP and of RTCP. */
export type Pair = readonly [rtp: number, rtcp: number]

/** One way to carry a medium, of a Transport header. RFC 2326 §12.39. */
export interface TransportSpec {
  /** `RTP/AVP`, `RTP/SAVP`, …, upper case. */
  readonly profile: string
  readonly lower: 'udp' | 'tcp'
  readonly isMulticast: boolean
  readonly interleaved: Pair | undefined
  readonly clientPorts: Pair | undefined
  readonly serverPorts: Pair | undefined
  readonly ssrc: number | undefined
  /** `play`, `record`, as written; empty when absent. */
  readonly mode: string
  readonly source: string
}

/** More alternatives than a client has ways. */
const MAX_ALTERNATIVES = 16

/** The alternatives, the preferred one first; what can't be read is left out. */
export function parseTransport(header: string): TransportSpec[] {
  return splitOutsideQuotes(header, ',')
    .slice(0, MAX_ALTERNATIVES)
    .flatMap((text) => parseOne(text) ?? [])
}

function parseOne(text: string): TransportSpec | undefined {
  const [first = '', ...rest] = splitOutsideQuotes(text, ';').map((part) => part.trim())
  const [, protocol, profile, lower = 'UDP'] = /^([A-Z0-9]+)\/([A-Z0-9]+)(?:\/([A-Z]+))?$/i.exec(first) ?? []
  if (protocol === undefined || profile === undefined) return undefined
  const lowerTransport = lower.toLowerCase()
  if (lowerTransport !== 'udp' && lowerTransport !== 'tcp') return undefined
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    const value = equals < 0 ? '' : part.slice(equals + 1).trim()
    if (!parameters.has(name)) parameters.set(name, value.replace(/^"(.*)"$/, '$1'))
  }
  const ssrc = parameters.get('ssrc') ?? ''
  return {
    profile: `${protocol}/${profile}`.toUpperCase(),
    lower: lowerTransport,
    // Without either word it is multicast, says the standard, and nobody means it.
    isMulticast: parameters.has('multicast'),
    interleaved: parsePair(parameters.get('interleaved'), 255),
    clientPorts: parsePair(parameters.get('client_port'), 65_535),
    serverPorts: parsePair(parameters.get('server_port'), 65_535),
    ssrc: /^[0-9a-f]{1,8}$/i.test(ssrc) ? Number.parseInt(ssrc, 16) : undefined,
    mode: parameters.get('mode') ?? '',
    source: parameters.get('source') ?? '',
  }
}

/** `5000-5001`, or `5000` for that and its neighbour. */
function parsePair(text: string | undefined, max: number): Pair | undefined {
  const [, rtp, rtcp] = /^(\d{1,5})\s*(?:-\s*(\d{1,5}))?$/.exec(text ?? '') ?? []
  if (rtp === undefined) return undefined
  const pair = [Number(rtp), rtcp === undefined ? Number(rtp) + 1 : Number(rtcp)] as const
  return pair[0] > max || pair[1] > max ? undefined : pair
}

/** A Transport header with one way; what is undefined or empty is left out. */
export function writeTransport(spec: Partial<TransportSpec> & Pick<TransportSpec, 'lower'>): string {
  const parts = [`${spec.profile ?? 'RTP/AVP'}${spec.lower === 'tcp' ? '/TCP' : ''}`, 'unicast']
  if (spec.interleaved !== undefined) parts.push(`interleaved=${spec.interleaved.join('-')}`)
  if (spec.clientPorts !== undefined) parts.push(`client_port=${spec.clientPorts.join('-')}`)
  if (spec.serverPorts !== undefined) parts.push(`server_port=${spec.serverPorts.join('-')}`)
  if (spec.ssrc !== undefined) parts.push(`ssrc=${spec.ssrc.toString(16).padStart(8, '0').toUpperCase()}`)
  if (spec.mode !== undefined && spec.mode !== '') parts.push(`mode=${spec.mode}`)
  return parts.join(';')
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let from = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') isQuoted = !isQuoted
    if (character !== separator || isQuoted) continue
    parts.push(text.slice(from, at))
    from = at + 1
  }
  parts.push(text.slice(from))
  return parts
}
