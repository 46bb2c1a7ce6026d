/** Codecs a scripted peer can offer, with Chromium's payload types. */
export const OFFERED_CODECS = {
  vp8: { kind: 'video', payloadType: 96, rtx: 97, map: 'VP8/90000', parameters: '' },
  vp9: { kind: 'video', payloadType: 98, rtx: 99, map: 'VP9/90000', parameters: 'profile-id=0' },
  h264: {
    ...{ kind: 'video', payloadType: 102, rtx: 103, map: 'H264/90000' },
    parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  },
  h265: { kind: 'video', payloadType: 49, rtx: 50, map: 'H265/90000', parameters: 'level-id=93;profile-id=1' },
  av1: { kind: 'video', payloadType: 45, rtx: 46, map: 'AV1/90000', parameters: 'level-idx=5;profile=0;tier=0' },
  opus: {
    ...{ kind: 'audio', payloadType: 111, rtx: undefined, map: 'opus/48000/2' },
    parameters: 'minptime=10;useinbandfec=1',
  },
  pcmu: { kind: 'audio', payloadType: 0, rtx: undefined, map: 'PCMU/8000', parameters: '' },
  pcma: { kind: 'audio', payloadType: 8, rtx: undefined, map: 'PCMA/8000', parameters: '' },
  g722: { kind: 'audio', payloadType: 9, rtx: undefined, map: 'G722/8000', parameters: '' },
} as const
export type OfferedCodec = keyof typeof OFFERED_CODECS

const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid'
const RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id'
const REPAIRED_RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id'
const TRANSPORT_WIDE_URI = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'

/** Numbers of header extensions in an offer; in an answer those that are left, undefined for the others. */
export const OFFERED_EXTENSIONS = { transportWide: 3, mid: 4, rid: 10, repairedRid: 11 } as const
export interface Extensions {
  readonly transportWide: number | undefined
  readonly mid: number | undefined
  readonly rid: number | undefined
  readonly repairedRid: number | undefined
}

/** One m-line of an offer. */
export interface OfferedMedium {
  /** In order of preference; they say what kind of medium it is. */
  readonly codecs: readonly OfferedCodec[]
  readonly mid: string
  readonly direction: 'sendonly' | 'recvonly' | 'sendrecv'
  /** Of the media and of their retransmission; without it there are no `a=ssrc` lines. */
  readonly ssrcs?: { readonly media: number; readonly rtx: number } | undefined
  /** Layers of simulcast, as in `a=rid`. */
  readonly rids?: readonly string[]
}

/** How a peer is reached and who it is. */
export interface IceAndDtls {
  readonly ufrag: string
  readonly pwd: string
  /** With the name of the hash, as in `a=fingerprint`. */
  readonly fingerprint: string
  readonly setup: string
  /** Without `a=`. */
  readonly candidates: readonly string[]
}

export interface OfferOptions {
  readonly media: readonly OfferedMedium[]
  /** Default true: everything over one transport. */
  readonly bundle?: boolean
  /** Default true: RTX, NACK, PLI and transport-wide feedback are offered. */
  readonly feedback?: boolean
}

/** An offer's text. */
export function writeOffer(transport: IceAndDtls, options: OfferOptions): string {
  const { media, bundle = true, feedback = true } = options
  return [
    ...['v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0'],
    ...(bundle ? [`a=group:BUNDLE ${media.map(({ mid }) => mid).join(' ')}`] : []),
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS stream',
    ...media.flatMap((medium) => mediumLines(transport, medium, feedback)),
    '',
  ].join('\r\n')
}

function mediumLines(transport: IceAndDtls, medium: OfferedMedium, feedback: boolean): string[] {
  const { codecs, mid, direction, ssrcs, rids = [] } = medium
  const known = codecs.map((codec) => OFFERED_CODECS[codec])
  const kind = known[0]?.kind ?? 'video'
  const payloadTypes = known.flatMap(({ payloadType, rtx }) =>
    rtx === undefined || !feedback ? [payloadType] : [payloadType, rtx],
  )
  const extensions = OFFERED_EXTENSIONS
  const codecLines = known.flatMap(({ payloadType, rtx, map, parameters }) => [
    `a=rtpmap:${payloadType} ${map}`,
    ...(feedback ? [`a=rtcp-fb:${payloadType} transport-cc`] : []),
    ...(feedback && kind === 'video'
      ? ['goog-remb', 'ccm fir', 'nack', 'nack pli'].map((name) => `a=rtcp-fb:${payloadType} ${name}`)
      : []),
    ...(parameters === '' ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
    ...(rtx === undefined || !feedback ? [] : [`a=rtpmap:${rtx} rtx/90000`, `a=fmtp:${rtx} apt=${payloadType}`]),
  ])
  const ssrcLines =
    ssrcs === undefined
      ? []
      : kind === 'audio' || !feedback
        ? [`a=ssrc:${ssrcs.media} cname:scripted`, `a=ssrc:${ssrcs.media} msid:stream ${mid}`]
        : [
            `a=ssrc-group:FID ${ssrcs.media} ${ssrcs.rtx}`,
            ...[ssrcs.media, ssrcs.rtx].flatMap((ssrc) => [
              `a=ssrc:${ssrc} cname:scripted`,
              `a=ssrc:${ssrc} msid:stream ${mid}`,
            ]),
          ]
  return [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${payloadTypes.join(' ')}`,
    ...['c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0'],
    ...transport.candidates.map((candidate) => `a=${candidate}`),
    ...[`a=ice-ufrag:${transport.ufrag}`, `a=ice-pwd:${transport.pwd}`, 'a=ice-options:trickle'],
    ...[`a=fingerprint:${transport.fingerprint}`, `a=setup:${transport.setup}`, `a=mid:${mid}`],
    ...(feedback ? [`a=extmap:${extensions.transportWide} ${TRANSPORT_WIDE_URI}`] : []),
    `a=extmap:${extensions.mid} ${MID_URI}`,
    ...(rids.length > 0
      ? [`a=extmap:${extensions.rid} ${RID_URI}`, `a=extmap:${extensions.repairedRid} ${REPAIRED_RID_URI}`]
      : []),
    ...[`a=${direction}`, `a=msid:stream ${mid}`, 'a=rtcp-mux', 'a=rtcp-rsize'],
    ...codecLines,
    ...ssrcLines,
    ...rids.map((rid) => `a=rid:${rid} send`),
    ...(rids.length > 0 ? [`a=simulcast:send ${rids.join(';')}`] : []),
  ]
}

/** One m-line of an answer. */
export interface AnsweredMedium {
  readonly mid: string
  readonly kind: string
  readonly isRejected: boolean
  /** Undefined when the m-line was rejected. */
  readonly codec: OfferedCodec | undefined
  readonly payloadType: number
  /** Of retransmissions of that codec. */
  readonly rtxPayloadType: number | undefined
  readonly extensions: Extensions
  /** Payload-specific feedback, as after `a=rtcp-fb:96 `. */
  readonly feedback: readonly string[]
  readonly direction: string
  readonly lines: readonly string[]
}

export interface Answer {
  readonly transport: IceAndDtls
  readonly media: readonly AnsweredMedium[]
}

/** Reads an answer with its own simple means, so that tests don't judge the server's parser by itself. @throws when it is none */
export function readAnswer(sdp: string): Answer {
  const sections = sdp.split(/\r?\n(?=m=)/).map((section) => section.split(/\r?\n/).filter((line) => line !== ''))
  const [session = [], ...media] = sections
  const answered = media.map(readMedium)
  const firstTaken = media[answered.findIndex(({ isRejected }) => !isRejected)] ?? []
  const find = (name: string) =>
    [...firstTaken, ...session].find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3)
  const [ufrag, pwd, fingerprint] = [find('ice-ufrag'), find('ice-pwd'), find('fingerprint')]
  if (ufrag === undefined || pwd === undefined || fingerprint === undefined) throw new Error(`no answer:\n${sdp}`)
  const candidates = [...session, ...firstTaken]
    .filter((line) => line.startsWith('a=candidate:'))
    .map((line) => line.slice(2))
  return { transport: { ufrag, pwd, fingerprint, setup: find('setup') ?? 'active', candidates }, media: answered }
}

function readMedium(lines: readonly string[]): AnsweredMedium {
  const [head = ''] = lines
  const [kind = '', port = '', , ...payloadTypes] = head.slice(2).split(' ')
  const values = (name: string) =>
    lines.filter((line) => line.startsWith(`a=${name}:`)).map((line) => line.slice(name.length + 3))
  const apt = new Map(
    values('fmtp').flatMap((value) => {
      const match = /^(\d+) .*\bapt=(\d+)/.exec(value)
      return match === null ? [] : [[Number(match[2]), Number(match[1])] as const]
    }),
  )
  const retransmissions = new Set(apt.values())
  const payloadType = payloadTypes.map(Number).find((each) => !retransmissions.has(each)) ?? -1
  const isRejected = port === '0'
  const found = Object.entries(OFFERED_CODECS).find(([, offered]) => offered.payloadType === payloadType)
  const extension = (uri: string) => {
    const line = values('extmap').find((value) => value.endsWith(` ${uri}`))
    return line === undefined ? undefined : Number.parseInt(line, 10)
  }
  return {
    mid: values('mid')[0] ?? '',
    kind,
    isRejected,
    codec: isRejected ? undefined : (found?.[0] as OfferedCodec | undefined),
    payloadType,
    rtxPayloadType: apt.get(payloadType),
    extensions: {
      transportWide: extension(TRANSPORT_WIDE_URI),
      mid: extension(MID_URI),
      rid: extension(RID_URI),
      repairedRid: extension(REPAIRED_RID_URI),
    },
    feedback: values('rtcp-fb')
      .filter((value) => value.startsWith(`${payloadType} `) || value.startsWith('* '))
      .map((value) => value.slice(value.indexOf(' ') + 1)),
    direction: lines.find((line) => /^a=(sendonly|recvonly|sendrecv|inactive)$/.test(line))?.slice(2) ?? 'sendrecv',
    lines,
  }
}
