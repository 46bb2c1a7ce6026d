import type { CodecPreference } from '#base/webrtc-codecs.ts'
import { EXTENSION_URIS, type HeaderExtensionIds } from '../rtp/header-extensions.ts'
import { payloadFormat } from '../rtp/payloads/all.ts'
import type { PayloadFormat } from '../rtp/payloads/payload-format.ts'
import type { AnsweredFormat, AnsweredMedium } from './answer.ts'
import type { OfferedFormat, OfferedMedium, SessionOffer } from './description.ts'
import { WebRtcNoCommonCodecError } from './errors.ts'

/** A medium that somebody will send us. */
export interface ReceivedMedium {
  readonly offered: OfferedMedium
  readonly format: OfferedFormat
  readonly payloadFormat: PayloadFormat
  /** Payload type of retransmissions; undefined: lost packets come again as they were, or not at all. */
  readonly retransmissionType: number | undefined
  /** Payload type of packets that repeat those before them (RFC 2198); undefined: none do. */
  readonly redundancyType: number | undefined
  /** The sender takes requests for lost packets. */
  readonly hasNack: boolean
  readonly extensions: HeaderExtensionIds
}

/** What becomes of a publisher's offer. */
export interface ReceivingNegotiation {
  /** In the order of the m-lines. */
  readonly media: readonly ReceivedMedium[]
  readonly answered: readonly AnsweredMedium[]
  /** Arrivals are to be told (transport-wide congestion control); else the sender is to be given an estimate (REMB). */
  readonly hasTransportFeedback: boolean
}

/** What we do with feedback, if the other side can. RFC 4585, RFC 5104. */
const VIDEO_FEEDBACK = ['nack', 'nack pli', 'ccm fir']
const TRANSPORT_FEEDBACK = 'transport-cc'
const RECEIVER_ESTIMATE = 'goog-remb'

/** The highest level there is (RFC 6184 §8.1): what is recorded need not be decoded here. */
const H264_LEVEL = '34'

/**
 * What to take of a publisher's offer: of each m-line the codec that comes first in `preference`, and of its variants
 * the one that the publisher prefers.
 * @param maxBitrateBps what each medium of pictures may have
 * @throws {WebRtcNoCommonCodecError} there is nothing to take
 */
export function negotiateReceiving(
  offer: SessionOffer,
  preference: CodecPreference,
  maxBitrateBps: number,
): ReceivingNegotiation {
  const media: ReceivedMedium[] = []
  const answered = offer.media.map((offered): AnsweredMedium => {
    const received = receive(offered, preference)
    if (received === undefined) return { offered, accepted: undefined }
    const sends = offered.direction === 'sendrecv' || offered.direction === 'sendonly'
    if (sends) media.push(received)
    return {
      offered,
      accepted: {
        direction: sends ? 'recvonly' : 'inactive',
        formats: answeredFormats(received),
        extensions: answeredExtensions(received),
        maxBitrateBps: offered.kind === 'video' ? maxBitrateBps : undefined,
      },
    }
  })
  if (media.length === 0) throw new WebRtcNoCommonCodecError(offeredNames(offer), wantedNames(preference))
  const hasTransportFeedback = media.some(({ format, extensions }) => hasTransportWide(format, extensions))
  return { media, answered, hasTransportFeedback }
}

function receive(offered: OfferedMedium, preference: CodecPreference): ReceivedMedium | undefined {
  const { kind, formats, isUsable } = offered
  if (!isUsable || (kind !== 'video' && kind !== 'audio')) return undefined
  for (const codec of preference[kind]) {
    const suitable = formats.filter((format) => isSuitable(format, kind, codec))
    const format = codec === 'h264' ? bestH264(suitable) : suitable[0]
    const found = format === undefined ? undefined : payloadFormat(format.encoding, format.parameters)
    if (format === undefined || found === undefined) continue
    return {
      offered,
      format,
      payloadFormat: found,
      retransmissionType: retransmissionOf(formats, format)?.payloadType,
      redundancyType: redundancyOf(formats, format)?.payloadType,
      hasNack: format.feedback.includes('nack'),
      extensions: extensionIds(offered),
    }
  }
  return undefined
}

function isSuitable({ encoding, clockRateHz, parameters }: OfferedFormat, kind: string, codec: string): boolean {
  const known = payloadFormat(encoding, parameters)
  if (known === undefined || known.codec !== codec || known.kind !== kind) return false
  return kind === 'audio' || clockRateHz === 90_000
}

/** Packets of one NAL unit each (mode 0) need more of them; interleaved ones (mode 2) are nobody's. */
function bestH264(formats: readonly OfferedFormat[]): OfferedFormat | undefined {
  const inMode = (mode: string) =>
    formats.find(({ parameters }) => (parameters.get('packetization-mode') ?? '0') === mode)
  return inMode('1') ?? inMode('0')
}

function retransmissionOf(
  formats: readonly OfferedFormat[],
  { payloadType }: OfferedFormat,
): OfferedFormat | undefined {
  return formats.find(
    ({ encoding, parameters }) => encoding === 'RTX' && Number(parameters.get('apt') ?? -1) === payloadType,
  )
}

/** Sound is not sent again when it is asked for, but may be sent twice at once (RFC 2198). */
function redundancyOf(formats: readonly OfferedFormat[], format: OfferedFormat): OfferedFormat | undefined {
  if (format.encoding !== 'OPUS') return undefined
  return formats.find(
    ({ encoding, clockRateHz, parameters }) =>
      encoding === 'RED' &&
      clockRateHz === format.clockRateHz &&
      parameters.has(`${format.payloadType}/${format.payloadType}`),
  )
}

function extensionIds({ extensions }: OfferedMedium): HeaderExtensionIds {
  return {
    mid: extensions.get(EXTENSION_URIS.mid),
    rid: extensions.get(EXTENSION_URIS.rid),
    repairedRid: extensions.get(EXTENSION_URIS.repairedRid),
    transportSequence: extensions.get(EXTENSION_URIS.transportSequence),
  }
}

/** Simulcast is not taken: without it in the answer, a sender keeps to its first layer (RFC 9429 §5.11). */
function answeredExtensions({ offered, format, extensions }: ReceivedMedium): ReadonlyMap<string, number> {
  const wanted: string[] = [EXTENSION_URIS.mid]
  // A sender that numbers its packets and is not told of them takes that for a broken path, and sends less and less.
  if (hasTransportWide(format, extensions)) wanted.push(EXTENSION_URIS.transportSequence)
  return new Map([...offered.extensions].filter(([uri]) => wanted.includes(uri)))
}

function hasTransportWide(format: OfferedFormat, { transportSequence }: HeaderExtensionIds): boolean {
  return transportSequence !== undefined && format.feedback.includes(TRANSPORT_FEEDBACK)
}

function answeredFormats({ offered, format, extensions }: ReceivedMedium): AnsweredFormat[] {
  const estimate = hasTransportWide(format, extensions) ? TRANSPORT_FEEDBACK : RECEIVER_ESTIMATE
  const wanted = offered.kind === 'video' ? [...VIDEO_FEEDBACK, estimate] : ['nack', TRANSPORT_FEEDBACK]
  const feedback = format.feedback.filter((each) => wanted.includes(each))
  const chosen = { ...format, parameters: answeredParameters(format), feedback }
  const redundancy = redundancyOf(offered.formats, format)
  // What comes first is what is sent.
  if (redundancy !== undefined) return [{ ...redundancy, feedback: [] }, chosen]
  const retransmission = retransmissionOf(offered.formats, format)
  return retransmission === undefined ? [chosen] : [chosen, { ...retransmission, feedback: [] }]
}

/** What we ask of a sender in its format's own words. */
function answeredParameters({ encoding, parameters }: OfferedFormat): ReadonlyMap<string, string> {
  if (encoding === 'OPUS') {
    // RFC 7587 §7: two channels if there are two, at a rate that is good for music.
    return new Map([...parameters, ['stereo', '1'], ['maxaveragebitrate', '128000'], ['useinbandfec', '1']])
  }
  const profile = parameters.get('profile-level-id')
  if (encoding !== 'H264' || profile === undefined || parameters.get('level-asymmetry-allowed') !== '1')
    return parameters
  return new Map([...parameters, ['profile-level-id', `${profile.slice(0, 4)}${H264_LEVEL}`]])
}

function offeredNames({ media }: SessionOffer): string[] {
  return media.flatMap(({ kind, formats, isUsable }) =>
    isUsable && formats.length > 0
      ? formats.map(({ encoding }) => `${kind} ${encoding.slice(0, 32)}`)
      : [kind.slice(0, 32)],
  )
}

function wantedNames({ video, audio }: CodecPreference): string {
  const names = [...video, ...audio].map((name) => name.toUpperCase())
  return `an m-line to send one of ${names.join(', ')} in, bundled with the first`
}
