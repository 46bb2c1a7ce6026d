import type { AccessUnit } from '#media/access-unit.ts'
import { bytesEqual } from '#media/bytes.ts'
import { rescale } from '#media/clock.ts'
import type { TrackFormat } from '#media/track.ts'
import type { ContainerWriter, PartTiming, WriterOptions, WriterOutput } from '../container.ts'
import { CodecUnsupportedError, UnannouncedTrackError } from '../errors.ts'
import { Slabs } from '../slabs.ts'
import { TrackTotals } from '../track-totals.ts'
import { MpegTsContinuation } from './continuation.ts'
import { CLOCK_HZ, PACKET_BYTES, PAT_PID } from './packet.ts'
import { Packetizer } from './packetizer.ts'
import { PMT_PID, programAssociation, programMap } from './section.ts'
import { Segments } from './segments.ts'
import { encodeTally, type TallyTrack } from './tally.ts'
import { PCR_LEAD_TICKS, ZERO_TICKS } from './timing.ts'
import { programStream, type TransportTrack, transportTrack } from './track.ts'

/** Tables and PCR come at least every 100 ms (ISO/IEC 13818-1 and ETSI TR 101 290); access units decide the moment. */
const PSI_INTERVAL_TICKS = 0.08 * CLOCK_HZ
const PCR_INTERVAL_TICKS = 0.03 * CLOCK_HZ
const PCR_LATEST_TICKS = 0.08 * CLOCK_HZ

/** A batch goes out at this size even before its time is up. */
const BATCH_BYTES = 256 * 1024

/** A crash costs at most this much reading when the part is finished; a tally costs 188 bytes. */
const TALLY_INTERVAL_BYTES = 1024 * 1024
const TALLY_INTERVAL_TICKS = 10 * CLOCK_HZ

/** 348 packets, just under 64 KiB: a second of 2.5 Mbit/s takes about five. */
const PACKET_SLABS = { slabBytes: 348 * PACKET_BYTES, maxIdle: 8 }

/** What an appending writer continues. */
export interface MpegTsBefore {
  readonly fileBytes: number
  readonly createdAtMs: number
  readonly continuity: ReadonlyMap<number, number>
  readonly pmtVersion: number
  readonly zeroTicks: number
  readonly tracks: readonly TallyTrack[]
}

export class MpegTsWriter implements ContainerWriter {
  readonly #slabs = new Slabs(PACKET_SLABS)
  readonly #packetizer: Packetizer
  readonly #elementaryStream = new Segments()
  readonly #tracks = new Map<number, TransportTrack>()
  /** Tracks of the file we append to that got nothing from us yet. */
  readonly #dormant = new Map<number, TallyTrack>()
  readonly #pat = programAssociation()
  readonly #fragmentTicks: number
  readonly #createdAtMs: number
  #pmt: Uint8Array = new Uint8Array()
  #pmtVersion: number
  #pcrPid = 0
  /** File position of the first byte not yet taken. */
  #takenBytes: number
  #accessUnits: AccessUnit[] = []
  #batchStart = 0
  #lastPsi = Number.NEGATIVE_INFINITY
  #lastPcr = Number.NEGATIVE_INFINITY
  #lastTallyBytes = 0
  #lastTallyTicks = 0
  /** The part's zero on the file's clock; decided by the first access unit. */
  #zeroTicks: number
  /** The part's zero on the clock of the stream, in 90 kHz ticks. */
  #streamZeroTicks: number | undefined
  readonly #continued: MpegTsContinuation | undefined
  #isDiscontinuous = false
  #isBegun = false
  #isEnded = false
  #hasOutput = false

  /** @throws {CodecUnsupportedError} a track that MPEG-TS cannot hold */
  constructor(options: WriterOptions, before?: MpegTsBefore) {
    const { continuation } = options
    this.#continued = before === undefined && continuation instanceof MpegTsContinuation ? continuation : undefined
    this.#packetizer = new Packetizer(this.#slabs, before?.continuity ?? this.#continued?.continuity ?? new Map())
    this.#pmtVersion = before?.pmtVersion ?? this.#continued?.pmtVersion ?? 0
    this.#zeroTicks = before?.zeroTicks ?? this.#continued?.endTicks ?? ZERO_TICKS
    this.#createdAtMs = before?.createdAtMs ?? options.createdAtMs
    this.#takenBytes = before?.fileBytes ?? 0
    this.#fragmentTicks = (options.fragmentMs * CLOCK_HZ) / 1000
    // What goes on may begin before the end of another track, but a PCR may not go back.
    for (const { totals } of before?.tracks ?? []) this.#lastPcr = Math.max(this.#lastPcr, totals.lastDts)
    for (const track of before?.tracks ?? []) this.#dormant.set(track.trackId, track)
    for (const format of options.formats) {
      const known = this.#dormant.get(format.trackId)
      this.#tracks.set(format.trackId, transportTrack(format, known && new TrackTotals(known.totals)))
      this.#dormant.delete(format.trackId)
    }
    this.#drawMap()
    if (this.#continued !== undefined && !bytesEqual(this.#pmt, this.#continued.pmt)) this.#drawNewMap()
  }

  get hasOutput(): boolean {
    return this.#hasOutput
  }

  get continuation(): MpegTsContinuation {
    return new MpegTsContinuation({
      continuity: new Map(this.#packetizer.continuity),
      pmt: this.#pmt,
      pmtVersion: this.#pmtVersion,
      zeroTicks: this.#zeroTicks,
      streamZeroTicks: this.#streamZeroTicks,
      endTicks: this.#zeroTicks + Math.max(0, ...[...this.#tracks.values()].map(({ totals }) => totals.endTicks)),
    })
  }

  write(accessUnit: AccessUnit, timing: PartTiming): void {
    const { format, isRandomAccess } = accessUnit
    const track = this.#tracks.get(format.trackId)
    if (track?.format !== format) throw new UnannouncedTrackError(format.trackId)
    const dts = rescale(timing.dts, format.timescale, CLOCK_HZ)
    const pts = rescale(timing.pts, format.timescale, CLOCK_HZ)
    this.#streamZeroTicks = rescale(accessUnit.dts - timing.dts, format.timescale, CLOCK_HZ)
    if (!this.#isBegun) this.#begin(dts)
    const isLeading = track.pid === this.#pcrPid
    const startsGop = isRandomAccess && format.kind === 'video'
    if ((startsGop && dts !== this.#lastPsi) || dts - this.#lastPsi >= PSI_INTERVAL_TICKS) this.#writePsi(dts)
    if (this.#isTallyDue(dts)) this.#writeTally(dts, false)
    if (!isLeading && dts - this.#lastPcr > PCR_LATEST_TICKS) {
      this.#packetizer.pcrOnly(this.#pcrPid, dts + this.#zeroTicks - PCR_LEAD_TICKS)
      this.#lastPcr = dts
    }
    const hasPcr = isLeading && dts > this.#lastPcr && (startsGop || dts - this.#lastPcr >= PCR_INTERVAL_TICKS)
    this.#elementaryStream.clear()
    track.framer(accessUnit.payload, isRandomAccess, this.#elementaryStream)
    this.#packetizer.pes(
      {
        pid: track.pid,
        streamId: track.kind.streamId,
        pts: pts + this.#zeroTicks,
        dts: dts + this.#zeroTicks,
        pcr: hasPcr ? dts + this.#zeroTicks - PCR_LEAD_TICKS : undefined,
        isRandomAccess: isRandomAccess && isLeading,
        isDiscontinuity: hasPcr && this.#isDiscontinuous,
      },
      this.#elementaryStream,
    )
    if (hasPcr) {
      this.#lastPcr = dts
      this.#isDiscontinuous = false
    }
    track.totals.add(accessUnit.payloadBytes, dts, pts, track.durationTicks)
    if (this.#accessUnits.length === 0) this.#batchStart = dts
    this.#accessUnits.push(accessUnit.retain())
    if (dts - this.#batchStart >= this.#fragmentTicks || this.#slabs.pendingBytes >= BATCH_BYTES) this.#hasOutput = true
  }

  takeOutput(): WriterOutput | undefined {
    if (!this.#hasOutput) return undefined
    this.#hasOutput = false
    const bytes = this.#slabs.pendingBytes
    const accessUnits = this.#accessUnits
    this.#accessUnits = []
    this.#takenBytes += bytes
    return { changes: [{ kind: 'append', buffers: this.#slabs.take(), bytes }], bytes, accessUnits }
  }

  flush(reason: 'interval' | 'end'): void {
    if (reason === 'end' && !this.#isEnded) {
      this.#isEnded = true
      if (!this.#isBegun) this.#begin(this.#lastTallyTicks)
      this.#writeTally(this.#lastTallyTicks, true)
    }
    if (this.#slabs.pendingBytes > 0) this.#hasOutput = true
  }

  /** A new PID in the programme map for a new track, new parameter sets for a known one; not a new codec on its PID. */
  changeFormat(format: TrackFormat): boolean {
    const active = this.#tracks.get(format.trackId)
    if (active?.format === format) return true
    const dormant = this.#dormant.get(format.trackId)
    if ((active?.format.codec ?? dormant?.codec ?? format.codec) !== format.codec) return false
    try {
      this.#tracks.set(
        format.trackId,
        transportTrack(format, active?.totals ?? (dormant && new TrackTotals(dormant.totals))),
      )
    } catch (error) {
      if (error instanceof CodecUnsupportedError) return false
      throw error
    }
    this.#dormant.delete(format.trackId)
    this.#drawNewMap()
    // The tally tells a later scan of the file which track the new PID is.
    if (this.#isBegun) {
      this.#writePsi(Number.NEGATIVE_INFINITY)
      this.#writeTally(this.#lastTallyTicks, false)
    }
    return true
  }

  /** Places the part on the file's clock and writes the tables. */
  #begin(dts: number): void {
    this.#isBegun = true
    if (this.#continued !== undefined) {
      const { zeroTicks, isSeamless } = this.#continued.place(this.#streamZeroTicks)
      this.#zeroTicks = zeroTicks
      this.#isDiscontinuous = !isSeamless
    }
    this.#writePsi(dts)
    this.#writeTally(dts, false)
  }

  #drawNewMap(): void {
    this.#pmtVersion = (this.#pmtVersion + 1) & 0x1f
    this.#drawMap()
  }

  #drawMap(): void {
    const tracks = [...this.#tracks.values()]
    const leading = tracks.find((track) => track.format.kind === 'video') ?? tracks[0]
    this.#pcrPid = leading?.pid ?? 0
    this.#pmt = programMap(this.#pmtVersion, this.#pcrPid, tracks.map(programStream))
  }

  #writePsi(dts: number): void {
    this.#packetizer.section(PAT_PID, this.#pat)
    this.#packetizer.section(PMT_PID, this.#pmt)
    this.#lastPsi = dts
  }

  #isTallyDue(dts: number): boolean {
    const position = this.#takenBytes + this.#slabs.pendingBytes
    return position - this.#lastTallyBytes >= TALLY_INTERVAL_BYTES || dts - this.#lastTallyTicks >= TALLY_INTERVAL_TICKS
  }

  #writeTally(dts: number, isEnd: boolean): void {
    const position = this.#takenBytes + this.#slabs.pendingBytes
    const { continuity } = this.#packetizer
    const tracks = [...this.#tracks.values()].map((track) => ({
      trackId: track.format.trackId,
      codec: track.format.codec,
      pid: track.pid,
      continuity: continuity.get(track.pid) ?? 0x0f,
      totals: track.totals.state,
    }))
    const payloads = encodeTally({
      position,
      createdAtMs: this.#createdAtMs,
      patContinuity: continuity.get(PAT_PID) ?? 0x0f,
      pmtContinuity: continuity.get(PMT_PID) ?? 0x0f,
      pmtVersion: this.#pmtVersion,
      zeroTicks: this.#zeroTicks,
      isEnd,
      tracks: [...tracks, ...this.#dormant.values()],
    })
    for (const payload of payloads) this.#packetizer.nullPacket(payload)
    this.#lastTallyBytes = position
    this.#lastTallyTicks = dts
  }
}
