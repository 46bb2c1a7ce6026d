import { randomInt } from 'node:crypto'
import type { Stream } from '#hub/stream.ts'
import type { AudioFormat, TrackFormat } from '#media/track.ts'
import { reordersPictures } from './picture-order.ts'
import { codecFor, codecName, isSendable, type PlayerCodec } from './player-codecs.ts'
import { PlayerLacksCodecError, ReorderedPicturesError } from './player-errors.ts'
import { opusFormat } from './sound-for-players.ts'

/** A codec that a player's m-line is answered with. */
export interface PlayedCodec extends PlayerCodec {
  /** Payload type of its retransmissions (`rtx` with this `apt`); undefined: lost packets are sent again as they were. */
  readonly retransmissionPayloadType?: number | undefined
}

/** What a player's offer says of one m-line. */
export interface MediumOffer<Codec extends PlayedCodec = PlayedCodec> {
  readonly kind: 'video' | 'audio'
  readonly codecs: readonly Codec[]
  /** To go into every packet: which m-line it belongs to (RFC 9143 §9.2), as a whole header extension. */
  readonly extension?: Uint8Array | undefined
}

/** An m-line of a player's, as it is answered and served. */
export interface MediumForPlayer<Codec extends PlayedCodec = PlayedCodec> extends MediumOffer<Codec> {
  /** Those of the answer, the best first; empty: nothing can ever be sent here. */
  readonly codecs: readonly Codec[]
  readonly ssrc: number
  readonly retransmissionSsrc: number
  /** The stream's track that goes here; undefined while there is none. */
  readonly format: TrackFormat | undefined
}

/** How a track is sent: as it is, or its sound as Opus. */
export interface Choice<Codec extends PlayedCodec> {
  readonly codec: Codec
  /** As it is sent. */
  readonly format: TrackFormat
  readonly transcodes: boolean
}

/**
 * Which of a stream's tracks go where: each m-line gets the next track of its kind, in the order of their ids. M-lines
 * that nothing fills yet are open for every codec that we can send.
 * @throws {PlayerLacksCodecError} @throws {ReorderedPicturesError}
 */
export function planPlaying<Codec extends PlayedCodec>(
  stream: Stream,
  media: readonly MediumOffer<Codec>[],
): MediumForPlayer<Codec>[] {
  const left = [...stream.formats.values()].toSorted((a, b) => a.trackId - b.trackId)
  const ssrcs = new Set<number>()
  return media.map((medium) => {
    const at = left.findIndex(({ kind }) => kind === medium.kind)
    const [format] = at < 0 ? [] : left.splice(at, 1)
    const numbers = { ssrc: newSsrc(ssrcs), retransmissionSsrc: newSsrc(ssrcs) }
    if (format === undefined) return { ...medium, codecs: medium.codecs.filter(isSendable), ...numbers, format }
    if (reordersPictures(stream, format.trackId)) throw new ReorderedPicturesError(stream.path)
    return { ...medium, codecs: [choose(stream.path, format, medium.codecs).codec], ...numbers, format }
  })
}

/** @throws {PlayerLacksCodecError} @throws {CodecConfigurationError} */
export function choose<Codec extends PlayedCodec>(
  path: string,
  format: TrackFormat,
  codecs: readonly Codec[],
): Choice<Codec> {
  const codec = codecFor(format, codecs)
  if (codec !== undefined) return { codec, format, transcodes: false }
  const opus = codecs.find(({ encoding }) => encoding.toUpperCase() === 'OPUS')
  if (format.kind === 'audio' && opus !== undefined) return transcoded(format, opus)
  const offered = codecs.filter(isSendable).map(({ encoding }) => encoding)
  throw new PlayerLacksCodecError(path, codecName(format), [...new Set(offered)])
}

function transcoded<Codec extends PlayedCodec>(format: AudioFormat, codec: Codec): Choice<Codec> {
  return { codec, format: opusFormat(format), transcodes: true }
}

/** One that nothing else of the session has. */
function newSsrc(taken: Set<number>): number {
  for (;;) {
    const ssrc = randomInt(1, 2 ** 32)
    if (taken.has(ssrc)) continue
    taken.add(ssrc)
    return ssrc
  }
}
