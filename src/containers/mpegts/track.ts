import type { TrackFormat } from '#media/track.ts'
import { CodecUnsupportedError } from '../errors.ts'
import { type TotalsState, TrackTotals } from '../track-totals.ts'
import { type ElementaryFramer, elementaryFramer } from './elementary-framer.ts'
import { CLOCK_HZ } from './packet.ts'
import type { ProgramStream } from './section.ts'
import { descriptorsOf, type StreamKind, streamKindOf } from './stream-type.ts'

/** PIDs of elementary streams start here, in the order of track ids, below the programme map's. */
const FIRST_PID = 0x100
const LAST_PID = 0xfff

/** One track as the writer keeps it. A new format of the same track makes a new one with the same totals. */
export interface TransportTrack {
  readonly format: TrackFormat
  readonly kind: StreamKind
  readonly framer: ElementaryFramer
  readonly pid: number
  readonly totals: TrackTotals
  /** 90 kHz ticks of every access unit; 0 when they vary. */
  readonly durationTicks: number
}

/** @throws {CodecUnsupportedError} MPEG-TS has no form for this track */
export function transportTrack(format: TrackFormat, totals: TrackTotals | undefined): TransportTrack {
  const kind = streamKindOf(format)
  if (kind === undefined) throw new CodecUnsupportedError('MPEG-TS', format.codec, 'no mapping that players know')
  const pid = FIRST_PID + format.trackId - 1
  if (pid > LAST_PID) throw new CodecUnsupportedError('MPEG-TS', format.codec, `no PID for track ${format.trackId}`)
  const durationTicks =
    format.kind === 'audio' && format.samplesPerAccessUnit > 0
      ? (format.samplesPerAccessUnit * CLOCK_HZ) / format.sampleRateHz
      : 0
  return {
    format,
    kind,
    framer: elementaryFramer(format),
    pid,
    totals: totals ?? new TrackTotals(emptyTotals(format, durationTicks)),
    durationTicks,
  }
}

/** A single access unit has no neighbour to measure its duration by: the format's hint stands in. */
function emptyTotals(format: TrackFormat, durationTicks: number): TotalsState {
  const hintTicks = format.kind === 'video' && format.frameRateHint > 0 ? CLOCK_HZ / format.frameRateHint : 0
  const lastTicks = durationTicks || hintTicks
  return { accessUnits: 0, payloadBytes: 0, firstPts: 0, lastPts: 0, lastDts: 0, lastTicks }
}

/** The track's entry in the programme map. */
export function programStream(track: TransportTrack): ProgramStream {
  const { format, kind, pid } = track
  return { streamType: kind.streamType, pid, descriptors: descriptorsOf(format, kind) }
}
