import { SessionDescriptionError } from './errors.ts'

/** `a=rtpmap`. RFC 8866 §6.6. */
export interface RtpMap {
  /** Upper case. */
  readonly encoding: string
  /** Hz; 0 when it says nothing. */
  readonly clockRateHz: number
  /** 1 when it says nothing. */
  readonly channels: number
}

/** One `m=` section. */
export interface MediaDescription {
  /** `video`, `audio`, `application`, … in lower case. */
  readonly kind: string
  readonly port: number
  /** `RTP/AVP`, upper case. */
  readonly protocol: string
  /** Of RTP; empty for other protocols. The first is preferred. */
  readonly payloadTypes: readonly number[]
  readonly rtpMaps: ReadonlyMap<number, RtpMap>
  /** `a=fmtp` by payload type: names in lower case. */
  readonly parameters: ReadonlyMap<number, ReadonlyMap<string, string>>
  /** `a=control` as written; empty when there is none. */
  readonly control: string
  /** Every attribute, names in lower case, in order. */
  readonly attributes: readonly Attribute[]
}

/** An `a=` line; the value of a flag is empty. */
export type Attribute = readonly [name: string, value: string]

/** What is published or offered: RFC 8866, as far as RTSP needs it. */
export interface SessionDescription {
  readonly name: string
  /** Of the session: `*` or an address; empty when there is none. */
  readonly control: string
  readonly attributes: readonly Attribute[]
  readonly media: readonly MediaDescription[]
}

/** More sections than any camera has streams. */
const MAX_MEDIA = 64

/**
 * Reads what encoders and cameras send: any line ends, lines missing or in any order, spaces where none belong.
 * @throws {SessionDescriptionError} it names no media
 */
export function parseDescription(text: string): SessionDescription {
  let name = ''
  const attributes: Attribute[] = []
  const sections: { head: string; attributes: Attribute[] }[] = []
  for (const line of text.split(/\r\n|\n|\r|\0/)) {
    const [, type = '', raw = ''] = /^\s*([a-z])\s*=(.*)$/i.exec(line) ?? []
    const value = raw.trim()
    if (type === 's' && sections.length === 0) name = value
    if (type === 'm') sections.push({ head: value, attributes: [] })
    if (type === 'a') (sections.at(-1)?.attributes ?? attributes).push(parseAttribute(value))
    if (sections.length > MAX_MEDIA) throw new SessionDescriptionError(`has more than ${MAX_MEDIA} media`)
  }
  const media = sections.flatMap((section) => parseMedia(section.head, section.attributes) ?? [])
  if (media.length === 0) throw new SessionDescriptionError('names no media')
  return { name, control: attributeOf(attributes, 'control'), attributes, media }
}

function parseAttribute(text: string): Attribute {
  const colon = text.indexOf(':')
  if (colon < 0) return [text.toLowerCase(), '']
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()]
}

/** The value of the first attribute of the name; empty when there is none. */
export function attributeOf(attributes: readonly Attribute[], name: string): string {
  return attributes.find(([each]) => each === name)?.[1] ?? ''
}

function parseMedia(head: string, attributes: readonly Attribute[]): MediaDescription | undefined {
  const [kind = '', port = '', protocol = '', ...formats] = head.split(/\s+/)
  if (kind === '' || protocol === '') return undefined
  const rtpMaps = new Map<number, RtpMap>()
  const parameters = new Map<number, ReadonlyMap<string, string>>()
  for (const [name, value] of attributes) {
    if (name === 'rtpmap') {
      const [, type, encoding = '', clock, channels] =
        /^(\d{1,3})\s+([^/\s]+)(?:\s*\/\s*(\d+))?(?:\s*\/\s*(\d{1,3}))?/.exec(value) ?? []
      if (type === undefined) continue
      const clockRateHz = Math.min(Number(clock ?? 0), 0xffff_ffff)
      rtpMaps.set(Number(type), { encoding: encoding.toUpperCase(), clockRateHz, channels: Number(channels ?? 1) || 1 })
    }
    if (name === 'fmtp') {
      const [, type, list = ''] = /^(\d{1,3})\s*(.*)$/.exec(value) ?? []
      if (type !== undefined) parameters.set(Number(type), parseParameters(list))
    }
  }
  const isRtp = protocol.toUpperCase().startsWith('RTP/')
  const payloadTypes = isRtp
    ? formats.map(Number).filter((type) => Number.isInteger(type) && type >= 0 && type < 128)
    : []
  return {
    kind: kind.toLowerCase(),
    port: Number.parseInt(port, 10) || 0,
    protocol: protocol.toUpperCase(),
    payloadTypes: [...new Set(payloadTypes)],
    rtpMaps,
    parameters,
    control: attributeOf(attributes, 'control'),
    attributes,
  }
}

/** `packetization-mode=1; sprop-parameter-sets=…`: names in lower case; a name alone has an empty value. */
export function parseParameters(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const part of text.split(';')) {
    // Values in base64 end with the same sign.
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    const value = equals < 0 ? '' : part.slice(equals + 1).trim()
    if (name !== '') parameters.set(name, value.replace(/^"(.*)"$/, '$1'))
  }
  return parameters
}

/** A medium of ours, to be written. */
export interface OfferedMedia {
  readonly kind: 'video' | 'audio'
  readonly payloadType: number
  readonly encoding: string
  readonly clockRateHz: number
  readonly channels: number
  /** Value of `a=fmtp` without the payload type; empty: none. */
  readonly parameters: string
  readonly control: string
}

/** A session description of ours. RFC 8866 §5, RFC 2326 appendix C. */
export function writeDescription(session: {
  id: string
  name: string
  host: string
  media: readonly OfferedMedia[]
}): string {
  const address = session.host.includes(':') ? `IN IP6 ${session.host}` : `IN IP4 ${session.host}`
  const lines = [
    'v=0',
    `o=- ${session.id} 1 ${address}`,
    `s=${session.name === '' ? ' ' : session.name}`,
    `c=${session.host.includes(':') ? 'IN IP6 ::' : 'IN IP4 0.0.0.0'}`,
    't=0 0',
    'a=control:*',
    'a=range:npt=now-',
    ...session.media.flatMap(mediaLines),
  ]
  return `${lines.join('\r\n')}\r\n`
}

function mediaLines(media: OfferedMedia): string[] {
  const { kind, payloadType, encoding, clockRateHz, channels, parameters, control } = media
  const suffix = kind === 'audio' && channels > 1 ? `/${channels}` : ''
  return [
    `m=${kind} 0 RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${encoding}/${clockRateHz}${suffix}`,
    ...(parameters === '' ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
    `a=control:${control}`,
  ]
}
