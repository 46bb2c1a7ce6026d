import { parse, type SdpMedia, type SessionDescription, type Text } from 'sdp-transform'
import { staticPayload } from '../rtp/payloads/static-payloads.ts'
import { WebRtcBadOfferError } from './errors.ts'

/** Larger offers are none: a browser's with four codecs of everything and simulcast has 12 kB. */
export const MAX_SDP_CHARACTERS = 64 * 1024
const MAX_LINES = 2_000
const MAX_LINE_CHARACTERS = 4_096
/** More media than a stream can have tracks is no offer but a burden. */
export const MAX_MEDIA = 32

/** RFC 8839 §5.4. */
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/
const PWD = /^[A-Za-z0-9+/]{22,256}$/
/** RFC 8122 §5; MD5 and SHA-1 prove nothing any more. */
const FINGERPRINT = /^(sha-256|sha-384|sha-512) ([0-9A-F]{2}(?::[0-9A-F]{2})+)$/i
const FINGERPRINT_BYTES: Readonly<Record<string, number>> = { 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 }
/** A token that may stand in a description of ours. RFC 8866 §9, without what means something to some parsers. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,64}$/

/** Type and protocol of an m-line. */
const MEDIA_NAME = /^[\w/-]{1,64}$/

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** How the offerer's transport is reached and known. */
export interface RemoteTransport {
  readonly ufrag: string
  readonly pwd: string
  /** `sha-256 AB:CD:…` */
  readonly fingerprint: string
  readonly setup: 'active' | 'passive' | 'actpass'
}

/** One payload type of a medium. */
export interface OfferedFormat {
  readonly payloadType: number
  /** Upper case. */
  readonly encoding: string
  readonly clockRateHz: number
  readonly channels: number
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
  /** Such as `nack` and `nack pli`. */
  readonly feedback: readonly string[]
}

/** One m-line of an offer. */
export interface OfferedMedium {
  readonly mid: string
  /** `audio`, `video`, or something that is not ours. */
  readonly kind: string
  readonly protocol: string
  /** As on the m-line, to be refused with. */
  readonly payloads: readonly string[]
  readonly direction: Direction
  /** It uses the first medium's transport, and was not withdrawn by its offerer. */
  readonly isUsable: boolean
  /** The offerer's preference first. */
  readonly formats: readonly OfferedFormat[]
  /** Ids of header extensions by their names. */
  readonly extensions: ReadonlyMap<string, number>
  /** Sources that send it, without those of retransmissions; often unknown. */
  readonly ssrcs: readonly number[]
  /** Sources of retransmissions → what they repeat. RFC 5576 §4.2, RFC 4588 §8. */
  readonly retransmissions: ReadonlyMap<number, number>
  /** Simulcast layers, the preferred first. RFC 8853. */
  readonly rids: readonly string[]
  readonly hasReducedSizeRtcp: boolean
}

/** What somebody offers by a session description. */
export interface SessionOffer {
  readonly transport: RemoteTransport
  readonly media: readonly OfferedMedium[]
  readonly allowsMixedExtensions: boolean
}

/** Reads an offer. RFC 8866, RFC 9429 §5.2.1. @throws {WebRtcBadOfferError} */
export function parseOffer(sdp: string): SessionOffer {
  const session = parseSession(sdp)
  if (session.media.length === 0) throw new WebRtcBadOfferError('it has no m-line')
  if (session.media.length > MAX_MEDIA) throw new WebRtcBadOfferError(`it has more than ${MAX_MEDIA} m-lines`)
  // The parser makes a medium of whatever begins with m=.
  if (session.media.some(({ type, protocol }) => !MEDIA_NAME.test(text(type)) || !MEDIA_NAME.test(text(protocol)))) {
    throw new WebRtcBadOfferError('an m-line is malformed')
  }
  if (session.icelite !== undefined) throw new WebRtcBadOfferError('both sides would wait for each other (a=ice-lite)')
  const mids = session.media.map(midOf)
  if (new Set(mids).size < mids.length) throw new WebRtcBadOfferError('two m-lines have the same a=mid')
  const isBundled = bundleOf(session, mids)
  const first = session.media[mids.findIndex((mid) => isBundled(mid))] ?? session.media[0]
  return {
    transport: transportOf(session, first),
    media: session.media.map((media, index) => mediumOf(media, mids[index] ?? '', isBundled)),
    allowsMixedExtensions: session.extmapAllowMixed !== undefined,
  }
}

/** Bounded before anything else looks at it. */
export function parseSession(sdp: string): SessionDescription {
  if (sdp.length > MAX_SDP_CHARACTERS) {
    throw new WebRtcBadOfferError(`it has more than ${MAX_SDP_CHARACTERS} characters`)
  }
  const lines = sdp.split(/\r\n|\r|\n/)
  if (lines.length > MAX_LINES || lines.some(({ length }) => length > MAX_LINE_CHARACTERS)) {
    throw new WebRtcBadOfferError(`it has more than ${MAX_LINES} lines, or one of ${MAX_LINE_CHARACTERS} characters`)
  }
  if (!/^v=0\s*$/.test(lines[0] ?? '')) throw new WebRtcBadOfferError('it does not begin with v=0')
  try {
    return parse(sdp)
  } catch (error) {
    throw new WebRtcBadOfferError('it is no session description', error)
  }
}

/** Left out by old clients with one medium of a kind: its place then names it. */
function midOf({ mid }: SdpMedia, index: number): string {
  if (mid === undefined) return String(index)
  const text = String(mid)
  if (!TOKEN.test(text)) throw new WebRtcBadOfferError('an a=mid is no token')
  return text
}

/** Without a BUNDLE group only the first medium can have the one transport there is. RFC 9143. */
function bundleOf({ groups = [] }: SessionDescription, mids: readonly string[]): (mid: string) => boolean {
  const group = groups.find(({ type }) => type === 'BUNDLE')
  const bundled = new Set(group === undefined ? mids.slice(0, 1) : words(group.mids))
  return (mid) => bundled.has(mid)
}

function transportOf(session: SessionDescription, media: SdpMedia | undefined): RemoteTransport {
  const ufrag = text(media?.iceUfrag ?? session.iceUfrag)
  const pwd = text(media?.icePwd ?? session.icePwd)
  if (!UFRAG.test(ufrag) || !PWD.test(pwd))
    throw new WebRtcBadOfferError('a=ice-ufrag or a=ice-pwd is missing or wrong')
  const told = media?.fingerprint ?? session.fingerprint
  const found = FINGERPRINT.exec(`${told?.type ?? ''} ${text(told?.hash)}`)
  const algorithm = found?.[1]?.toLowerCase() ?? ''
  const digest = found?.[2]?.toUpperCase() ?? ''
  if (digest.length !== 3 * (FINGERPRINT_BYTES[algorithm] ?? 0) - 1) {
    throw new WebRtcBadOfferError('a=fingerprint is missing or wrong; sha-256 is needed')
  }
  const setup = media?.setup ?? session.setup ?? 'actpass'
  if (setup !== 'actpass' && setup !== 'active' && setup !== 'passive') {
    throw new WebRtcBadOfferError('a=setup is none of actpass, active and passive')
  }
  return { ufrag, pwd, fingerprint: `${algorithm} ${digest}`, setup }
}

function mediumOf(media: SdpMedia, mid: string, isBundled: (mid: string) => boolean): OfferedMedium {
  const isRtp = /^UDP\/TLS\/RTP\/SAVPF?$/.test(text(media.protocol))
  const retransmissions = retransmissionsOf(media)
  const ssrcs = new Set((media.ssrcs ?? []).map(({ id }) => Number(id)).filter(isSsrc))
  return {
    mid,
    kind: text(media.type),
    protocol: text(media.protocol),
    payloads: words(media.payloads),
    direction: directionOf(media.direction),
    // Port 0 withdraws it, or is that of a medium that is only there bundled (RFC 9143 §6).
    isUsable: isRtp && isBundled(mid) && (media.port !== 0 || media.bundleOnly !== undefined),
    formats: isRtp ? formatsOf(media) : [],
    extensions: extensionsOf(media),
    ssrcs: [...ssrcs].filter((ssrc) => !retransmissions.has(ssrc)),
    retransmissions,
    rids: (media.rids ?? []).filter(({ direction }) => direction === 'send').map(({ id }) => text(id)),
    hasReducedSizeRtcp: media.rtcpRsize !== undefined,
  }
}

function directionOf(direction: string | undefined): Direction {
  return direction === 'sendonly' || direction === 'recvonly' || direction === 'inactive' ? direction : 'sendrecv'
}

function formatsOf(media: SdpMedia): OfferedFormat[] {
  const formats: OfferedFormat[] = []
  for (const payload of new Set(words(media.payloads))) {
    const payloadType = Number(payload)
    if (!Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127) continue
    const told = media.rtp.find((each) => Number(each.payload) === payloadType)
    const known = told === undefined ? staticPayload(payloadType) : undefined
    const encoding = told === undefined ? known?.encoding : text(told.codec)
    const clockRateHz = told === undefined ? known?.clockRateHz : Number(told.rate)
    if (encoding === undefined || clockRateHz === undefined || !(clockRateHz > 0 && clockRateHz < 2 ** 31)) continue
    const channels = Number(told?.encoding ?? known?.channels ?? 1)
    formats.push({
      payloadType,
      encoding: encoding.toUpperCase(),
      clockRateHz,
      channels: channels > 0 && channels < 256 ? channels : 1,
      parameters: parametersOf(media, payloadType),
      feedback: feedbackOf(media, payload),
    })
  }
  return formats
}

/** `a=fmtp`: pairs between semicolons; RFC 4566 leaves their form to the format. */
function parametersOf({ fmtp }: SdpMedia, payloadType: number): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const config = fmtp.find(({ payload }) => Number(payload) === payloadType)?.config
  for (const pair of text(config).split(';')) {
    const equals = pair.indexOf('=')
    const name = (equals < 0 ? pair : pair.slice(0, equals)).trim().toLowerCase()
    if (name !== '') parameters.set(name, equals < 0 ? '' : pair.slice(equals + 1).trim())
  }
  return parameters
}

function feedbackOf({ rtcpFb = [] }: SdpMedia, payload: string): string[] {
  return rtcpFb
    .filter((each) => text(each.payload) === payload || text(each.payload) === '*')
    .map(({ type, subtype }) => (subtype === undefined ? text(type) : `${text(type)} ${text(subtype)}`))
}

function extensionsOf({ ext = [] }: SdpMedia): ReadonlyMap<string, number> {
  const extensions = new Map<string, number>()
  for (const { value, uri } of ext) {
    const id = Number(value)
    if (Number.isInteger(id) && id >= 1 && id <= 255 && !extensions.has(text(uri))) extensions.set(text(uri), id)
  }
  return extensions
}

function retransmissionsOf({ ssrcGroups = [] }: SdpMedia): ReadonlyMap<number, number> {
  const repeats = new Map<number, number>()
  for (const { semantics, ssrcs } of ssrcGroups) {
    const [source, repeating] = words(ssrcs).map(Number)
    if (semantics === 'FID' && isSsrc(source) && isSsrc(repeating)) repeats.set(repeating, source)
  }
  return repeats
}

function isSsrc(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value < 2 ** 32
}

function words(value: Text | undefined): string[] {
  return text(value)
    .split(/\s+/)
    .filter((word) => word !== '')
}

function text(value: Text | undefined): string {
  return value === undefined ? '' : String(value)
}
