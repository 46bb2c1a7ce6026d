import { type SdpMedia, write } from 'sdp-transform'
import type { Direction, OfferedFormat, OfferedMedium } from './description.ts'

/** A payload type that is taken, with what we ask of it. */
export interface AnsweredFormat extends Omit<OfferedFormat, 'feedback'> {
  readonly feedback: readonly string[]
}

/** What we send in a medium. RFC 5576. */
export interface AnsweredSource {
  readonly ssrc: number
  /** Undefined: retransmissions have no source of their own. */
  readonly retransmissionSsrc: number | undefined
  readonly cname: string
  readonly streamId: string
  readonly trackId: string
}

/** An m-line that is taken. */
export interface AcceptedMedium {
  readonly direction: Direction
  readonly formats: readonly AnsweredFormat[]
  /** Ids of header extensions by their names. */
  readonly extensions: ReadonlyMap<string, number>
  /** What the peer may send, in bits per second. */
  readonly maxBitrateBps?: number | undefined
  readonly source?: AnsweredSource | undefined
}

/** An m-line of an offer, and what becomes of it; undefined: it is refused. */
export interface AnsweredMedium {
  readonly offered: OfferedMedium
  readonly accepted: AcceptedMedium | undefined
}

/** Our transport, as the peer is told of it. */
export interface AnsweringTransport {
  readonly ufrag: string
  readonly pwd: string
  readonly fingerprint: string
  readonly setup: string
  /** Values of a=candidate lines; all there are. */
  readonly candidates: readonly string[]
}

export interface SessionAnswer {
  /** Digits only (RFC 8866 §5.2). */
  readonly sessionId: string
  readonly transport: AnsweringTransport
  readonly media: readonly AnsweredMedium[]
  readonly allowsMixedExtensions: boolean
}

/** Writes an answer: every m-line of the offer in its place (RFC 3264 §6), all accepted ones bundled. */
export function writeAnswer({ sessionId, transport, media, allowsMixedExtensions }: SessionAnswer): string {
  const bundled = media.filter(({ accepted }) => accepted !== undefined).map(({ offered }) => offered.mid)
  return write({
    version: 0,
    origin: { username: '-', sessionId, sessionVersion: 1, netType: 'IN', ipVer: 4, address: '127.0.0.1' },
    name: '-',
    timing: { start: 0, stop: 0 },
    // We are reached, and look for nobody, as ICE lite; but checks are answered and consent is kept as by anybody else.
    iceOptions: 'ice2,trickle',
    ...(bundled.length > 0 ? { groups: [{ type: 'BUNDLE', mids: bundled.join(' ') }] } : {}),
    ...(allowsMixedExtensions ? { extmapAllowMixed: 'extmap-allow-mixed' } : {}),
    msidSemantic: { semantic: 'WMS', token: '*' },
    media: media.map(({ offered, accepted }) =>
      accepted === undefined
        ? refused(offered)
        : acceptedMedia(offered, accepted, transport, offered.mid === bundled[0]),
    ),
  })
}

function refused({ mid, kind, protocol, payloads }: OfferedMedium): SdpMedia {
  return {
    type: kind,
    port: 0,
    protocol,
    payloads: payloads.join(' ') || '0',
    connection: { version: 4, ip: '0.0.0.0' },
    mid,
    direction: 'inactive',
    rtp: [],
    fmtp: [],
  }
}

function acceptedMedia(
  { mid, kind, protocol, hasReducedSizeRtcp }: OfferedMedium,
  { direction, formats, extensions, maxBitrateBps, source }: AcceptedMedium,
  { ufrag, pwd, fingerprint, setup, candidates }: AnsweringTransport,
  isFirst: boolean,
): SdpMedia {
  const [algorithm = '', digest = ''] = fingerprint.split(' ')
  return {
    type: kind,
    port: 9,
    protocol,
    payloads: formats.map(({ payloadType }) => payloadType).join(' '),
    connection: { version: 4, ip: '0.0.0.0' },
    ...(maxBitrateBps === undefined ? {} : { bandwidth: bandwidth(maxBitrateBps) }),
    iceUfrag: ufrag,
    icePwd: pwd,
    fingerprint: { type: algorithm, hash: digest },
    setup,
    mid,
    ext: [...extensions].map(([uri, value]) => ({ value, uri })),
    direction,
    rtcpMux: 'rtcp-mux',
    ...(hasReducedSizeRtcp ? { rtcpRsize: 'rtcp-rsize' } : {}),
    rtp: formats.map(rtpMap),
    rtcpFb: formats.flatMap(({ payloadType, feedback }) => feedback.map((type) => ({ payload: payloadType, type }))),
    fmtp: formats
      .filter(({ parameters }) => parameters.size > 0)
      .map(({ payloadType, parameters }) => ({ payload: payloadType, config: parametersText(parameters) })),
    ...(source === undefined ? {} : sourceLines(source)),
    // As they are, and in this order.
    ...(isFirst ? { invalid: [...candidates.map(candidateLine), { value: 'end-of-candidates' }] } : {}),
  }
}

/** Both forms: browsers differ in which they read (RFC 8866 §5.8, RFC 3890). */
function bandwidth(maxBitrateBps: number): { type: string; limit: number }[] {
  return [
    { type: 'AS', limit: Math.max(1, Math.round(maxBitrateBps / 1000)) },
    { type: 'TIAS', limit: Math.round(maxBitrateBps) },
  ]
}

function candidateLine(value: string) {
  return { value: `candidate:${value}` }
}

function rtpMap({ payloadType, encoding, clockRateHz, channels }: AnsweredFormat) {
  return {
    payload: payloadType,
    // Names are case-insensitive; these are what everybody writes.
    codec: encoding === 'OPUS' || encoding === 'RTX' ? encoding.toLowerCase() : encoding,
    rate: clockRateHz,
    ...(channels > 1 ? { encoding: channels } : {}),
  }
}

function parametersText(parameters: ReadonlyMap<string, string>): string {
  return [...parameters].map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join(';')
}

function sourceLines({ ssrc, retransmissionSsrc, cname, streamId, trackId }: AnsweredSource) {
  const ids = retransmissionSsrc === undefined ? [ssrc] : [ssrc, retransmissionSsrc]
  return {
    msid: [{ id: streamId, appdata: trackId }],
    ...(ids.length === 1 ? {} : { ssrcGroups: [{ semantics: 'FID', ssrcs: ids.join(' ') }] }),
    ssrcs: ids.flatMap((id) => [
      { id, attribute: 'cname', value: cname },
      { id, attribute: 'msid', value: `${streamId} ${trackId}` },
    ]),
  }
}
