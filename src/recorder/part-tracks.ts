import { TapedeckError } from '#base/error.ts'
import type { PartSummary, PartTiming, TrackEnd, WriterOutput } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { rescale } from '#media/clock.ts'
import { codecString } from '#media/codec-string.ts'
import type { TrackFormat } from '#media/track.ts'
import { type PartDocument, type PartTrackDocument, receivedUnits } from '#storage/recording-document.ts'
import type { TimedAccessUnit } from './cutter.ts'

/** A moment on the recording's timeline. */
export interface Zero {
  readonly ticks: number
  readonly timescale: number
}

/** Access units of one track that never reached the file, with where they lie on the recording's timeline. */
export interface TrackLoss {
  readonly format: TrackFormat
  readonly accessUnits: number
  readonly fromMs: number
  readonly toMs: number
}

interface PartTrack {
  format: TrackFormat
  codecString: string
  accessUnits: number
  /** Those that were received; the same where nothing is transcoded. */
  sourceAccessUnits: number
  payloadBytes: number
  /** The part's zero in this track's ticks. */
  zeroTicks: number
  lastDts: number
  /** From the publisher's ticks to the recording's, as of the newest access unit. */
  offsetTicks: number
}

/** What one part holds of each track, and where access units lie in it. */
export class PartTracks {
  readonly #zero: Zero
  readonly #tracks = new Map<number, PartTrack>()
  readonly #ends: ReadonlyMap<number, TrackEnd>
  #previous: readonly PartTrackDocument[]
  #endMs: number

  /** @param previous what an appended file held before @param ends where its tracks ended */
  constructor(zero: Zero, previous: PartDocument | undefined, ends: ReadonlyMap<number, TrackEnd> = new Map()) {
    this.#zero = zero
    this.#previous = previous?.tracks ?? []
    this.#ends = ends
    this.#endMs = previous?.durationMs ?? 0
  }

  get zeroMs(): number {
    return (this.#zero.ticks * 1000) / this.#zero.timescale
  }

  /** Latest presentation accepted, relative to the part's zero. */
  get endMs(): number {
    return this.#endMs
  }

  /** Times within the part: never before its zero, DTS strictly increasing. */
  place(unit: TimedAccessUnit): PartTiming {
    const { accessUnit } = unit
    const { format } = accessUnit
    let track = this.#tracks.get(format.trackId)
    if (track?.format !== format) track = this.#follow(format)
    track.offsetTicks = unit.dts - accessUnit.dts
    // A track that stalled for longer than a cut waits may still bring what belongs before the cut.
    let dts = Math.max(0, unit.dts - track.zeroTicks)
    if (dts <= track.lastDts) dts = track.lastDts + Math.ceil(format.timescale / 1000)
    const pts = Math.max(dts, unit.pts - track.zeroTicks)
    track.lastDts = dts
    this.#endMs = Math.max(this.#endMs, (pts * 1000) / format.timescale)
    return { dts, pts }
  }

  written({ format, payloadBytes, sourceAccessUnits }: AccessUnit): void {
    const track = this.#tracks.get(format.trackId)
    if (track === undefined) return
    track.accessUnits++
    track.sourceAccessUnits += sourceAccessUnits
    track.payloadBytes += payloadBytes
  }

  lossesOf(outputs: readonly Pick<WriterOutput, 'accessUnits'>[]): TrackLoss[] {
    const losses = new Map<number, TrackLoss>()
    for (const { accessUnits } of outputs) {
      for (const accessUnit of accessUnits) {
        const atMs = this.#recordingMs(accessUnit)
        const known = losses.get(accessUnit.format.trackId)
        losses.set(accessUnit.format.trackId, {
          format: accessUnit.format,
          accessUnits: (known?.accessUnits ?? 0) + accessUnit.sourceAccessUnits,
          fromMs: Math.min(known?.fromMs ?? atMs, atMs),
          toMs: Math.max(known?.toMs ?? atMs, atMs),
        })
      }
    }
    return [...losses.values()]
  }

  /**
   * The file is final: how long it is, and how many bytes its form of the payloads takes (MPEG-TS adds to them). Gives
   * what was written to it and is not in it: somebody else has changed the file.
   */
  finished(summary: PartSummary): PartTrackDocument[] {
    this.#endMs = summary.durationMs
    const missing: PartTrackDocument[] = []
    for (const [trackId, track] of this.#tracks) {
      const found = summary.tracks.find((candidate) => candidate.trackId === trackId)
      const accessUnits = track.accessUnits - (found?.accessUnits ?? 0)
      if (accessUnits > 0) {
        // Nobody knows which they are.
        const share = Math.round((track.sourceAccessUnits * accessUnits) / track.accessUnits)
        missing.push(trackDocument({ ...track, accessUnits, sourceAccessUnits: share }))
        track.accessUnits -= accessUnits
        track.sourceAccessUnits -= share
      }
      track.payloadBytes = found?.payloadBytes ?? 0
    }
    return missing
  }

  /** The file is gone, and with it what it held: gives that, and holds nothing from now on. */
  vanish(): PartTrackDocument[] {
    const gone = this.documents()
    this.#previous = []
    for (const track of this.#tracks.values()) {
      track.accessUnits = 0
      track.sourceAccessUnits = 0
      track.payloadBytes = 0
    }
    return gone
  }

  /** Of an appended file, also the tracks that got nothing since. */
  documents(): PartTrackDocument[] {
    const present = [...this.#tracks.values()].map(trackDocument)
    const dormant = this.#previous.filter(({ trackId }) => !this.#tracks.has(trackId))
    return [...dormant, ...present].sort((a, b) => a.trackId - b.trackId)
  }

  #follow(format: TrackFormat): PartTrack {
    const before = this.#tracks.get(format.trackId)
    const previous = this.#previous.find(({ trackId }) => trackId === format.trackId)
    const held = before ?? previous
    const received = before?.sourceAccessUnits ?? (previous === undefined ? 0 : receivedUnits(previous))
    const track: PartTrack = {
      format,
      codecString: codecStringOf(format),
      accessUnits: held?.accessUnits ?? 0,
      sourceAccessUnits: received,
      payloadBytes: held?.payloadBytes ?? 0,
      zeroTicks: rescale(this.#zero.ticks, this.#zero.timescale, format.timescale),
      lastDts:
        before === undefined
          ? Math.round(((this.#ends.get(format.trackId)?.lastDtsMs ?? -1) * format.timescale) / 1000)
          : rescale(before.lastDts, before.format.timescale, format.timescale),
      offsetTicks: 0,
    }
    this.#tracks.set(format.trackId, track)
    return track
  }

  #recordingMs({ format, dts }: AccessUnit): number {
    const track = this.#tracks.get(format.trackId)
    if (track === undefined) return this.zeroMs
    const offset = rescale(track.offsetTicks, track.format.timescale, format.timescale)
    const atMs = ((dts + offset) * 1000) / format.timescale
    // Before a jump of the publisher's clock the offset was another one.
    return Math.min(Math.max(atMs, this.zeroMs), this.zeroMs + this.#endMs)
  }
}

/** A configuration that nobody can read must not keep its media from being recorded: the codec's name has to do. */
function codecStringOf(format: TrackFormat): string {
  try {
    return codecString(format)
  } catch (error) {
    if (error instanceof TapedeckError) return format.codec
    throw error
  }
}

function trackDocument(track: PartTrack): PartTrackDocument {
  const { format } = track
  const common = {
    trackId: format.trackId,
    kind: format.kind,
    codec: format.codec,
    codecString: track.codecString,
    accessUnits: track.accessUnits,
    payloadBytes: track.payloadBytes,
  }
  if (format.kind === 'video') return { ...common, width: format.widthPixels, height: format.heightPixels }
  const { sampleRateHz, channels, transcodedFrom: codec } = format
  const filled = track.accessUnits - track.sourceAccessUnits
  const source =
    codec === undefined
      ? { ...(filled > 0 && { filled }) }
      : { source: { codec, accessUnits: track.sourceAccessUnits } }
  return { ...common, sampleRateHz, channels, ...source }
}
