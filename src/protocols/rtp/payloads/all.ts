import type { TrackFormat } from '#media/track.ts'
import { aacPayload } from './aac.ts'
import { ac3Payload } from './ac3.ts'
import { av1Payload } from './av1.ts'
import { eac3Payload } from './eac3.ts'
import { pcmaPayload, pcmuPayload } from './g711.ts'
import { g722Payload } from './g722.ts'
import { aal2G726Payloads, g726PayloadOf, g726Payloads } from './g726.ts'
import { h264Payload } from './h264.ts'
import { h265Payload } from './h265.ts'
import { jpegPayload } from './jpeg.ts'
import { l16Payload } from './l16.ts'
import { latmPayload } from './latm.ts'
import { mp4vPayload } from './mp4v.ts'
import { mpaPayload } from './mpa.ts'
import { opusPayload } from './opus.ts'
import type { PayloadFormat } from './payload-format.ts'
import { vp8Payload } from './vp8.ts'
import { vp9Payload } from './vp9.ts'

/** For descriptions of our own the first of a codec counts. */
const FORMATS: readonly PayloadFormat[] = [
  ...[h264Payload, h265Payload, av1Payload, vp9Payload, vp8Payload, mp4vPayload, jpegPayload],
  ...[aacPayload, latmPayload, opusPayload, mpaPayload, ac3Payload, eac3Payload],
  ...[pcmaPayload, pcmuPayload, l16Payload, g722Payload],
  ...g726Payloads,
  ...aal2G726Payloads,
]

/** Codecs that can be carried over RTP here. */
export const PAYLOAD_CODECS: ReadonlySet<string> = new Set(FORMATS.map(({ codec }) => codec))

const BY_ENCODING: ReadonlyMap<string, PayloadFormat> = new Map(FORMATS.map((format) => [format.encoding, format]))

/**
 * The payload format of a media description.
 * @param encoding the name in `a=rtpmap`, in any case
 * @param parameters of `a=fmtp`, names in lower case
 * @returns undefined when it is none of ours, or carries another codec than we know
 */
export function payloadFormat(
  encoding: string,
  parameters: ReadonlyMap<string, string> = new Map(),
): PayloadFormat | undefined {
  const format = BY_ENCODING.get(encoding.toUpperCase())
  if (format === aacPayload && !isAac(parameters)) return undefined
  return format
}

/** The payload format to send a track in; undefined when its codec has none. @throws {CodecConfigurationError} */
export function payloadFormatOf(format: TrackFormat): PayloadFormat | undefined {
  if (format.codec === 'g726') return g726PayloadOf(format)
  return FORMATS.find(({ codec }) => codec === format.codec)
}

/** MPEG4-GENERIC carries any MPEG-4 stream; its mode tells which (RFC 3640 §3.3). Where it is left out it is AAC. */
function isAac(parameters: ReadonlyMap<string, string>): boolean {
  const mode = parameters.get('mode')?.toLowerCase()
  return mode === undefined || mode.startsWith('aac-')
}
