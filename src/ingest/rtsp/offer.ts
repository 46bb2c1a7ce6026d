import { TapedeckError } from '#base/error.ts'
import type { Stream } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import type { PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { staticPayloadType } from '#protocols/rtp/payloads/static-payloads.ts'
import { writeDescription } from '#protocols/rtsp/description.ts'

/** First of the dynamic payload types. RFC 3551 §6. */
const FIRST_PAYLOAD_TYPE = 96

/** A stream that has just begun may get more tracks: it is described when it has had them this long, or two. */
const SETTLED_MS = 1_000
const MAX_WAIT_MS = 5_000

/** A track of a stream as players may have it. */
export interface OfferedTrack {
  readonly format: TrackFormat
  readonly payloadFormat: PayloadFormat
  readonly payloadType: number
  /** As in the session description. */
  readonly control: string
  readonly clockRateHz: number
  /** Value of `a=fmtp`. */
  readonly parameters: string
}

/** The tracks that RTP can carry, in the order of their ids. */
export function offeredTracks(stream: Stream): OfferedTrack[] {
  const formats = [...stream.formats.values()].toSorted((left, right) => left.trackId - right.trackId)
  return formats.flatMap((format, index) => offered(format, FIRST_PAYLOAD_TYPE + index) ?? [])
}

function offered(format: TrackFormat, dynamicType: number): OfferedTrack | undefined {
  try {
    const payloadFormat = payloadFormatOf(format)
    if (payloadFormat === undefined) return undefined
    const clockRateHz = payloadFormat.clockRateHz(format)
    const channels = format.kind === 'audio' ? format.channels : 1
    return {
      format,
      payloadFormat,
      payloadType: staticPayloadType(payloadFormat.encoding, clockRateHz, channels) ?? dynamicType,
      control: `trackID=${format.trackId}`,
      clockRateHz,
      parameters: payloadFormat.parameters(format),
    }
  } catch (error) {
    // A configuration that says nothing sensible: others of the stream can still be played.
    if (error instanceof TapedeckError) return undefined
    throw error
  }
}

/** A track's number in the address of a request, as offeredTracks() names it; undefined: it names none. */
export function trackIdOf(uri: string): number | undefined {
  const [, id] = /\/trackID=(\d{1,6})\/*$/.exec(uri) ?? []
  return id === undefined ? undefined : Number(id)
}

/** A session description of the tracks. */
export function describeOffer(stream: Stream, tracks: readonly OfferedTrack[], host: string): string {
  return writeDescription({
    id: String(stream.startedAtMs),
    name: stream.path,
    host,
    media: tracks.map(({ format, payloadFormat: { encoding }, payloadType, control, clockRateHz, parameters }) => {
      const channels = format.kind === 'audio' ? format.channels : 1
      return { kind: format.kind, payloadType, encoding, clockRateHz, channels, parameters, control }
    }),
  })
}

/** Resolves when a stream's tracks are likely to be known, or won't be. */
export async function tracksSettled(stream: Stream, nowMs: () => number): Promise<void> {
  if (stream.end !== undefined || stream.formats.size >= 2) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const settledInMs = () => Math.max(0, stream.startedAtMs + SETTLED_MS - nowMs())
  let timer = setTimeout(resolve, stream.formats.size === 0 ? MAX_WAIT_MS : settledInMs())
  const format = () => {
    clearTimeout(timer)
    timer = setTimeout(resolve, stream.formats.size >= 2 ? 0 : settledInMs())
  }
  const sink = { accessUnit() {}, format, ended: () => resolve() }
  using _attachment = stream.attach(sink, { from: 'now', live: true })
  await promise
  clearTimeout(timer)
}
