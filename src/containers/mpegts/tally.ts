import type { Codec } from '#media/codec.ts'
import { decodeTotals, encodeTotals, TOTALS_BYTES, type TotalsState } from '../track-totals.ts'
import { crc32Mpeg } from './crc32.ts'
import { NULL_PID, PACKET_BYTES, PACKET_PAYLOAD_BYTES, pidAt, SYNC_BYTE } from './packet.ts'

/**
 * A tally is what we know of the file at one place in it: running totals, continuity counters and PIDs per track. It
 * travels in null packets, whose payload every reader skips, so that finishing and appending need to read only the
 * file's tail, however long it is.
 */
export interface Tally {
  /** Position of the tally's first packet in the file: proves that the bytes were written here. */
  readonly position: number
  readonly createdAtMs: number
  readonly patContinuity: number
  readonly pmtContinuity: number
  readonly pmtVersion: number
  /** The part's zero on the file's clock, 90 kHz ticks before wrapping. */
  readonly zeroTicks: number
  /** Written at the end of a part: nothing followed. */
  readonly isEnd: boolean
  readonly tracks: readonly TallyTrack[]
}

export interface TallyTrack {
  readonly trackId: number
  readonly codec: Codec
  readonly pid: number
  readonly continuity: number
  readonly totals: TotalsState
}

/** Start of every tally payload; with a CRC and the position behind it, media can't look like one by chance. */
const MAGIC = Uint8Array.from([...'TapedeckTS\0\x01'].map((character) => character.charCodeAt(0)))
const HEAD_BYTES = 48
const TRACK_BYTES = 6 + TOTALS_BYTES
const TRACKS_PER_PACKET = Math.floor((PACKET_PAYLOAD_BYTES - HEAD_BYTES) / TRACK_BYTES)

/** Codecs by number. Append only: files hold these numbers. */
const CODECS: readonly Codec[] = ['h264', 'h265', 'aac', 'mp3', 'opus', 'ac3', 'eac3', 'mpeg4']

/** Bytes a tally takes in the file. */
export function tallyBytes(tally: Tally): number {
  return tallyPackets(tally.tracks.length) * PACKET_BYTES
}

function tallyPackets(tracks: number): number {
  return Math.max(1, Math.ceil(tracks / TRACKS_PER_PACKET))
}

/** The payloads of a tally's null packets, in order. */
export function encodeTally(tally: Tally): Uint8Array[] {
  const packets = tallyPackets(tally.tracks.length)
  return Array.from({ length: packets }, (_, index) => {
    const tracks = tally.tracks.slice(index * TRACKS_PER_PACKET, (index + 1) * TRACKS_PER_PACKET)
    const bytes = new Uint8Array(PACKET_PAYLOAD_BYTES).fill(0xff)
    const view = new DataView(bytes.buffer)
    bytes.set(MAGIC)
    // 12: CRC of everything behind it
    view.setFloat64(16, tally.position)
    view.setFloat64(24, tally.createdAtMs)
    view.setUint8(32, index)
    view.setUint8(33, packets)
    view.setUint8(34, tracks.length)
    view.setUint8(35, tally.patContinuity)
    view.setUint8(36, tally.pmtContinuity)
    view.setUint8(37, tally.pmtVersion)
    view.setUint8(38, tally.isEnd ? 1 : 0)
    view.setFloat64(40, tally.zeroTicks)
    tracks.forEach((track, i) => {
      encodeTrack(view, HEAD_BYTES + i * TRACK_BYTES, track)
    })
    view.setUint32(12, crc32Mpeg(bytes.subarray(16)))
    return bytes
  })
}

function encodeTrack(view: DataView, at: number, track: TallyTrack): void {
  const { totals } = track
  view.setUint16(at, track.trackId)
  view.setUint8(at + 2, CODECS.indexOf(track.codec))
  view.setUint8(at + 3, track.continuity)
  view.setUint16(at + 4, track.pid)
  encodeTotals(view, at + 6, totals)
}

/** The tally that begins at this packet, or undefined when none does (or only part of one is there). */
export function decodeTally(bytes: Uint8Array, at: number, filePosition: number): Tally | undefined {
  const first = tallyPayload(bytes, at)
  if (first === undefined) return undefined
  const view = new DataView(first.buffer, first.byteOffset, first.length)
  const packets = view.getUint8(33)
  if (view.getUint8(32) !== 0 || view.getFloat64(16) !== filePosition) return undefined
  const tracks: TallyTrack[] = []
  for (let index = 0; index < packets; index++) {
    const payload = tallyPayload(bytes, at + index * PACKET_BYTES)
    if (payload === undefined || payload[32] !== index) return undefined
    const part = new DataView(payload.buffer, payload.byteOffset, payload.length)
    const count = part.getUint8(34)
    if (count > TRACKS_PER_PACKET) return undefined
    for (let i = 0; i < count; i++) {
      const track = decodeTrack(part, HEAD_BYTES + i * TRACK_BYTES)
      if (track === undefined) return undefined
      tracks.push(track)
    }
  }
  return {
    position: filePosition,
    createdAtMs: view.getFloat64(24),
    patContinuity: view.getUint8(35),
    pmtContinuity: view.getUint8(36),
    pmtVersion: view.getUint8(37),
    zeroTicks: view.getFloat64(40),
    isEnd: view.getUint8(38) === 1,
    tracks,
  }
}

function decodeTrack(view: DataView, at: number): TallyTrack | undefined {
  const codec = CODECS[view.getUint8(at + 2)]
  if (codec === undefined) return undefined
  return {
    trackId: view.getUint16(at),
    codec,
    continuity: view.getUint8(at + 3),
    pid: view.getUint16(at + 4),
    totals: decodeTotals(view, at + 6),
  }
}

/** The payload of a null packet that carries an intact piece of a tally. */
function tallyPayload(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (at + PACKET_BYTES > bytes.length || bytes[at] !== SYNC_BYTE || pidAt(bytes, at) !== NULL_PID) return undefined
  const payload = bytes.subarray(at + 4, at + PACKET_BYTES)
  if (MAGIC.some((byte, i) => payload[i] !== byte)) return undefined
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  return view.getUint32(12) === crc32Mpeg(payload.subarray(16)) ? payload : undefined
}
