import { TrackTotals } from '../track-totals.ts'
import {
  continuityAt,
  hasAdaptationAt,
  NULL_PID,
  PACKET_BYTES,
  PAT_PID,
  payloadOffsetAt,
  pidAt,
  SYNC_BYTE,
  startsUnitAt,
} from './packet.ts'
import { readPesHeader, unwrapTicks } from './pes.ts'
import { PMT_PID } from './section.ts'
import { type Tally, type TallyTrack, tallyBytes } from './tally.ts'

/** Codecs whose access units last as long as the distance to the next says, not a fixed time. */
const MEASURED_CODECS = new Set(['h264', 'h265', 'opus'])

interface ScannedTrack {
  readonly entry: TallyTrack
  readonly totals: TrackTotals
  /** Of every access unit, 0 when measured. */
  readonly durationTicks: number
}

/** An access unit whose packets are being counted. */
interface OpenUnit {
  readonly track: ScannedTrack
  readonly pts: number
  readonly dts: number
  /** Undefined: the next packet with an adaptation field is the last (see Packetizer). */
  readonly expectedBytes: number | undefined
  bytes: number
}

/** Counts the access units that follow a tally, and stops at the first thing our writer would not have written. */
export class PacketScanner {
  readonly #tracks = new Map<number, ScannedTrack>()
  readonly #zeroTicks: number
  readonly #liveContinuity: Map<number, number>
  #continuity: ReadonlyMap<number, number>
  #open: OpenUnit | undefined
  #goodBytes: number

  constructor(tally: Tally) {
    this.#zeroTicks = tally.zeroTicks
    this.#liveContinuity = new Map([
      [PAT_PID, tally.patContinuity],
      [PMT_PID, tally.pmtContinuity],
    ])
    for (const entry of tally.tracks) {
      const durationTicks = MEASURED_CODECS.has(entry.codec) ? 0 : entry.totals.lastTicks
      this.#tracks.set(entry.pid, { entry, totals: new TrackTotals(entry.totals), durationTicks })
      this.#liveContinuity.set(entry.pid, entry.continuity)
    }
    this.#continuity = new Map(this.#liveContinuity)
    this.#goodBytes = tally.position + tallyBytes(tally)
  }

  /** Up to the end of the last whole access unit. */
  get goodBytes(): number {
    return this.#goodBytes
  }

  /** Counters at `goodBytes`. */
  get continuity(): ReadonlyMap<number, number> {
    return this.#continuity
  }

  /** Totals at `goodBytes`. */
  get tracks(): TallyTrack[] {
    return [...this.#tracks.values()].map(({ entry, totals }) => ({
      ...entry,
      continuity: this.#continuity.get(entry.pid) ?? entry.continuity,
      totals: totals.state,
    }))
  }

  /** Counts the whole packets of a piece of the file. False: nothing behind this piece is worth reading. */
  scan(piece: Uint8Array, filePosition: number): boolean {
    for (let at = 0; at + PACKET_BYTES <= piece.length; at += PACKET_BYTES) {
      if (!this.#packet(piece, at, filePosition + at + PACKET_BYTES)) return false
    }
    return true
  }

  #packet(piece: Uint8Array, at: number, endPosition: number): boolean {
    if (piece[at] !== SYNC_BYTE) return false
    const pid = pidAt(piece, at)
    const offset = payloadOffsetAt(piece, at)
    if (pid === NULL_PID || offset === PACKET_BYTES) return true
    this.#liveContinuity.set(pid, continuityAt(piece, at))
    if (pid === PAT_PID || pid === PMT_PID) return true
    const track = this.#tracks.get(pid)
    if (track === undefined) return false
    if (startsUnitAt(piece, at)) {
      this.#open = beginUnit(track, piece.subarray(at + offset, at + PACKET_BYTES), this.#zeroTicks)
      if (this.#open === undefined) return false
      if (this.#open.bytes === this.#open.expectedBytes) this.#complete(this.#open, endPosition)
      return true
    }
    const open = this.#open
    if (open?.track !== track) return false
    open.bytes += PACKET_BYTES - offset
    const isWhole = open.expectedBytes === undefined ? hasAdaptationAt(piece, at) : open.bytes >= open.expectedBytes
    if (isWhole) this.#complete(open, endPosition)
    return true
  }

  #complete(unit: OpenUnit, endPosition: number): void {
    unit.track.totals.add(unit.bytes, unit.dts, unit.pts, unit.track.durationTicks)
    this.#open = undefined
    this.#goodBytes = endPosition
    this.#continuity = new Map(this.#liveContinuity)
  }
}

/** @param payload of a packet that starts a PES packet */
function beginUnit(track: ScannedTrack, payload: Uint8Array, zeroTicks: number): OpenUnit | undefined {
  const header = readPesHeader(payload)
  if (header === undefined) return undefined
  const dts = unwrapTicks(header.dts - zeroTicks, track.totals.lastDts)
  return {
    track,
    dts,
    pts: unwrapTicks(header.pts - zeroTicks, dts),
    expectedBytes: header.payloadBytes,
    bytes: payload.length - header.headerBytes,
  }
}
