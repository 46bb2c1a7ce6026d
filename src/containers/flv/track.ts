import { crc32 } from 'node:zlib'
import { audioTagHeader } from '#media/flv/audio-tag.ts'
import { flvConfiguration } from '#media/flv/configuration.ts'
import { AUDIO_FOUR_CCS, isFlvCodec } from '#media/flv/four-cc.ts'
import { videoTagHeader } from '#media/flv/video-tag.ts'
import type { TrackFormat } from '#media/track.ts'
import { CodecUnsupportedError } from '../errors.ts'
import { type TotalsState, TrackTotals } from '../track-totals.ts'

/** Enhanced RTMP counts tracks of a kind in one byte. */
export const MAX_TRACKS_OF_A_KIND = 256

/** What G.711 tags say, having no field for any other rate. Adobe FLV 10.1, E.4.2.1. */
const G711_RATE_HZ = 8000

/** One track as the writer keeps it. A new format of the same track makes a new one with the same totals. */
export interface FlvTrack {
  readonly format: TrackFormat
  /** 0 for the first track of its kind, which is written without multitrack. */
  readonly multitrackId: number
  readonly totals: TrackTotals
  /** Milliseconds of every access unit, fractions allowed; 0 when they vary. */
  readonly durationMs: number
  readonly configurationCrc: number
  /** Body of the sequence header tag: its header and the record; undefined when the codec needs none. */
  readonly configuration: { readonly header: Uint8Array; readonly record: Uint8Array } | undefined
  /** The header before an access unit; the same memory every time. */
  header(isRandomAccess: boolean, compositionTimeMs: number): Uint8Array
}

/** @throws {CodecUnsupportedError} no form for this track */
export function flvTrack(format: TrackFormat, multitrackId: number, totals: TrackTotals | undefined): FlvTrack {
  refuseUnsupported(format, multitrackId)
  const record = flvConfiguration(format.codec, format.configuration)
  const durationMs =
    format.kind === 'audio' && format.samplesPerAccessUnit > 0
      ? (format.samplesPerAccessUnit * 1000) / format.sampleRateHz
      : 0
  return {
    format,
    multitrackId,
    totals: totals ?? new TrackTotals(emptyTotals(format, durationMs)),
    durationMs,
    configurationCrc: crc32(format.configuration),
    configuration: record && { header: configurationHeader(format, multitrackId), record },
    header: headerMaker(format, multitrackId),
  }
}

function refuseUnsupported(format: TrackFormat, multitrackId: number): void {
  const refuse = (reason: string) => new CodecUnsupportedError('FLV', format.codec, reason)
  if (multitrackId >= MAX_TRACKS_OF_A_KIND) throw refuse(`more than ${MAX_TRACKS_OF_A_KIND} tracks of a kind`)
  if (!isFlvCodec(format.codec)) throw refuse('no form that players know')
  if (format.kind === 'video' || AUDIO_FOUR_CCS[format.codec] !== undefined) return
  if (multitrackId > 0) throw refuse('enhanced RTMP has no FourCC for it, so it can only be the first audio track')
  if (format.sampleRateHz !== G711_RATE_HZ)
    throw refuse(`FLV plays it at ${G711_RATE_HZ} Hz, not ${format.sampleRateHz}`)
}

/** A single access unit has no neighbour to measure its duration by: the format's hint stands in. */
function emptyTotals(format: TrackFormat, durationMs: number): TotalsState {
  const hintMs = format.kind === 'video' && format.frameRateHint > 0 ? 1000 / format.frameRateHint : 0
  return { accessUnits: 0, payloadBytes: 0, firstPts: 0, lastPts: 0, lastDts: 0, lastTicks: durationMs || hintMs }
}

function configurationHeader(format: TrackFormat, multitrackId: number): Uint8Array {
  if (format.kind === 'audio') return audioTagHeader({ ...format, kind: 'configuration', multitrackId })
  return videoTagHeader({ kind: 'configuration', codec: format.codec, isKeyFrame: true, multitrackId })
}

/** Makes every header once; only the composition time in its last three bytes changes. */
function headerMaker(format: TrackFormat, multitrackId: number): FlvTrack['header'] {
  if (format.kind === 'audio') {
    const header = audioTagHeader({ ...format, kind: 'codedAudio', multitrackId })
    return () => header
  }
  const { codec } = format
  const make = (isKeyFrame: boolean, compositionTimeMs: number) =>
    videoTagHeader({ kind: 'codedPicture', codec, isKeyFrame, compositionTimeMs, multitrackId })
  const isReordered = codec === 'h264' || codec === 'h265'
  const plain = [make(false, 0), make(true, 0)] as const
  const shifted = [make(false, 1), make(true, 1)] as const
  return (isRandomAccess, compositionTimeMs) => {
    const index = isRandomAccess ? 1 : 0
    if (compositionTimeMs === 0 || !isReordered) return plain[index]
    const header = shifted[index]
    const end = header.length
    header[end - 3] = (compositionTimeMs >> 16) & 0xff // CompositionTime, SI24
    header[end - 2] = (compositionTimeMs >> 8) & 0xff
    header[end - 1] = compositionTimeMs & 0xff
    return header
  }
}
