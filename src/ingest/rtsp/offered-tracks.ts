import type { MediaFormat } from '#ingest/rtp/media-receiver.ts'
import type { MultiplexFormat } from '#ingest/rtp/multiplex-receiver.ts'
import { controlAddress } from '#protocols/rtsp/address.ts'
import type { MediaDescription, SessionDescription } from '#protocols/rtsp/description.ts'
import { describeMedia, mediaFormat, multiplexFormat } from './media-format.ts'

/** A track that we take. */
export interface OfferedTrack {
  /** Video 1, 3, 5, …, audio 2, 4, 6, … */
  readonly trackId: number
  readonly format: MediaFormat | MultiplexFormat
  /** What SETUP names. */
  readonly address: string
  /** `RTP/AVP`, or `RTP/AVPF` where the sender takes feedback. */
  readonly profile: string
}

export interface OfferedTracks {
  readonly tracks: readonly OfferedTrack[]
  /** What is left out, and why: `audio G723: no codec of ours`. */
  readonly left: readonly string[]
}

/** More than any camera has lenses. */
const MAX_TRACKS = 16

/**
 * What of a description is recorded: all video and audio that we know. Metadata (ONVIF's `application`) is not, nor is
 * the way back to a camera's loudspeaker. A transport stream is taken where it is all there is.
 * @param base what relative addresses are relative to
 */
export function offeredTracks({ media }: SessionDescription, base: string): OfferedTracks {
  const tracks: OfferedTrack[] = []
  const left: string[] = []
  const counts = { video: 0, audio: 0 }
  // Some servers say of all they have that they send it; only where the word makes a difference does it mean anything.
  const isTold = media.some((each) => isMedia(each) && !isSendOnly(each))
  for (const each of media) {
    const format = mediaFormat(each)
    const reason = reasonAgainst(each, format, isTold) ?? (tracks.length >= MAX_TRACKS ? 'one too many' : undefined)
    if (reason !== undefined || format === undefined) {
      left.push(`${describeMedia(each)}: ${reason}`)
      continue
    }
    const { kind } = format.payloadFormat
    const trackId = 2 * counts[kind]++ + (kind === 'video' ? 1 : 2)
    tracks.push({ trackId, format, address: controlAddress(base, each.control), profile: profileOf(each) })
  }
  const multiplex = tracks.length === 0 ? offeredMultiplex(media, base) : undefined
  if (multiplex !== undefined) return { tracks: [multiplex], left: [] }
  return { tracks, left }
}

function offeredMultiplex(media: readonly MediaDescription[], base: string): OfferedTrack | undefined {
  const [only, ...others] = media.filter(isMedia)
  const format = only === undefined ? undefined : multiplexFormat(only)
  if (only === undefined || others.length > 0 || format === undefined) return undefined
  return { trackId: 1, format, address: controlAddress(base, only.control), profile: profileOf(only) }
}

function profileOf({ protocol }: MediaDescription): string {
  return protocol.startsWith('RTP/AVPF') ? 'RTP/AVPF' : 'RTP/AVP'
}

function reasonAgainst(
  media: MediaDescription,
  format: MediaFormat | undefined,
  isDirectionTold: boolean,
): string | undefined {
  if (!isMedia(media)) return 'neither video nor audio'
  if (media.protocol.startsWith('RTP/SAVP')) return 'encrypted (SRTP)'
  if (isDirectionTold && isSendOnly(media)) return 'for the camera’s loudspeaker'
  return format === undefined ? 'no codec of ours' : undefined
}

function isMedia({ kind }: MediaDescription): boolean {
  return kind === 'video' || kind === 'audio'
}

/** ONVIF Streaming Specification §5.3: what the client may send. */
function isSendOnly({ attributes }: MediaDescription): boolean {
  return attributes.some(([name]) => name === 'sendonly')
}
