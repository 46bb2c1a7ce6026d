import type { MediaFormat } from '#ingest/rtp/media-receiver.ts'
import type { MultiplexFormat } from '#ingest/rtp/multiplex-receiver.ts'
import { payloadFormat } from '#protocols/rtp/payloads/all.ts'
import { staticPayload } from '#protocols/rtp/payloads/static-payloads.ts'
import type { MediaDescription } from '#protocols/rtsp/description.ts'

/** The clock of every video payload format (RFC 3551 §5), for cameras that leave it out. */
const VIDEO_CLOCK_RATE_HZ = 90_000

/** The first of a medium's payload types that we can take; undefined: none. */
export function mediaFormat(media: MediaDescription): MediaFormat | undefined {
  for (const payloadType of media.payloadTypes) {
    const told = media.rtpMaps.get(payloadType) ?? staticPayload(payloadType)
    if (told === undefined) continue
    const parameters = media.parameters.get(payloadType) ?? new Map<string, string>()
    const format = payloadFormat(told.encoding, parameters)
    if (format === undefined || format.kind !== media.kind) continue
    const clockRateHz = told.clockRateHz || (format.kind === 'video' ? VIDEO_CLOCK_RATE_HZ : 0)
    if (clockRateHz > 0) {
      return { payloadType, payloadFormat: format, clockRateHz, channels: told.channels, parameters }
    }
  }
  return undefined
}

/** A medium that is an MPEG transport stream; undefined: it is none. RFC 2250 §2, RFC 3551 §5.3.4. */
export function multiplexFormat(media: MediaDescription): MultiplexFormat | undefined {
  for (const payloadType of media.payloadTypes) {
    const told = media.rtpMaps.get(payloadType) ?? staticPayload(payloadType)
    if (told?.encoding === 'MP2T') return { encoding: 'MP2T', payloadType, clockRateHz: VIDEO_CLOCK_RATE_HZ }
  }
  return undefined
}

/** What a medium is called in logs and errors: `video H264`. */
export function describeMedia(media: MediaDescription): string {
  const [first] = media.payloadTypes
  const encoding = first === undefined ? undefined : (media.rtpMaps.get(first) ?? staticPayload(first))?.encoding
  return `${media.kind} ${encoding ?? first ?? media.protocol}`
}
