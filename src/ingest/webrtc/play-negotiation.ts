import type { Stream } from '#hub/stream.ts'
import { EXTENSION_URIS } from '#protocols/rtp/header-extensions.ts'
import type { AnsweredFormat, AnsweredMedium } from '#protocols/webrtc/answer.ts'
import type { OfferedFormat, OfferedMedium, SessionOffer } from '#protocols/webrtc/description.ts'
import { WebRtcBadOfferError } from '#protocols/webrtc/errors.ts'
import { CANONICAL_NAME } from '../rtp/track-sender.ts'
import { type MediumForPlayer, type MediumOffer, type PlayedCodec, planPlaying } from './play-plan.ts'

/** What of our feedback a player may use. RFC 4585, RFC 5104. */
const FEEDBACK = ['nack', 'nack pli', 'ccm fir']

/** Tracks of one stream are one thing to the player, and played in sync. */
const STREAM_ID = 'tapedeck'

/** Offered formats together with those of their retransmissions. */
interface PlayerFormat extends OfferedFormat, PlayedCodec {
  readonly retransmission: OfferedFormat | undefined
}

export interface PlayNegotiation {
  /** M-lines that are, or may be, sent to. */
  readonly media: readonly MediumForPlayer[]
  /** Every m-line of the offer. */
  readonly answered: readonly AnsweredMedium[]
}

/**
 * What a player gets of a stream, and is told of it.
 * @throws {PlayerLacksCodecError} @throws {ReorderedPicturesError} @throws {WebRtcBadOfferError} it wants nothing
 */
export function negotiatePlaying(offer: SessionOffer, stream: Stream): PlayNegotiation {
  const wanting = offer.media.filter(isWanting)
  if (wanting.length === 0) throw new WebRtcBadOfferError('a player needs m-lines that are recvonly')
  const media = planPlaying(stream, wanting.map(mediumOffer))
  const answered = offer.media.map((offered): AnsweredMedium => {
    const medium = media[wanting.indexOf(offered)]
    if (medium === undefined || medium.codecs.length === 0) return { offered, accepted: undefined }
    return { offered, accepted: acceptedMedium(offered, medium) }
  })
  return { media: media.filter(({ codecs }) => codecs.length > 0), answered }
}

function isWanting({ kind, isUsable, direction }: OfferedMedium): boolean {
  return (kind === 'video' || kind === 'audio') && isUsable && (direction === 'recvonly' || direction === 'sendrecv')
}

function mediumOffer(offered: OfferedMedium): MediumOffer<PlayerFormat> {
  const { formats } = offered
  const codecs = formats.map((format): PlayerFormat => {
    const retransmission = formats.find(
      ({ encoding, parameters }) => encoding === 'RTX' && Number(parameters.get('apt') ?? -1) === format.payloadType,
    )
    return { ...format, retransmission, retransmissionPayloadType: retransmission?.payloadType }
  })
  return { kind: offered.kind === 'video' ? 'video' : 'audio', codecs, extension: midExtension(offered) }
}

function acceptedMedium(offered: OfferedMedium, medium: MediumForPlayer<PlayerFormat>): AnsweredMedium['accepted'] {
  const { kind, codecs, ssrc, retransmissionSsrc, extension, format } = medium
  const mid = offered.extensions.get(EXTENSION_URIS.mid)
  const hasRetransmissions = codecs.some(({ retransmission }) => retransmission !== undefined)
  return {
    direction: 'sendonly',
    formats: codecs.flatMap((codec) => answeredFormats(codec, format?.kind === 'audio' && format.channels > 1)),
    extensions: new Map(extension === undefined || mid === undefined ? [] : [[EXTENSION_URIS.mid, mid]]),
    source: {
      ssrc,
      retransmissionSsrc: hasRetransmissions ? retransmissionSsrc : undefined,
      cname: CANONICAL_NAME,
      streamId: STREAM_ID,
      trackId: `${kind}-${offered.mid}`,
    },
  }
}

function answeredFormats({ retransmission, ...codec }: PlayerFormat, isStereo: boolean): AnsweredFormat[] {
  const feedback = codec.feedback.filter((each) => FEEDBACK.includes(each))
  // RFC 7587 §7: so that a player may prepare for it.
  const more = codec.encoding === 'OPUS' && isStereo ? [['sprop-stereo', '1'] as const] : []
  const chosen = { ...codec, parameters: new Map([...codec.parameters, ...more]), feedback }
  return retransmission === undefined ? [chosen] : [chosen, { ...retransmission, feedback: [] }]
}

/** RFC 8285 §4.2: elements of one byte and up to 16 of text. What does not fit, players can do without. */
function midExtension({ mid, extensions }: OfferedMedium): Uint8Array | undefined {
  const id = extensions.get(EXTENSION_URIS.mid)
  const text = Buffer.from(mid)
  if (id === undefined || id > 14 || text.length === 0 || text.length > 16) return undefined
  const words = Math.ceil((1 + text.length) / 4)
  const extension = new Uint8Array(4 + 4 * words)
  extension.set([0xbe, 0xde, 0, words, (id << 4) | (text.length - 1)])
  extension.set(text, 5)
  return extension
}
