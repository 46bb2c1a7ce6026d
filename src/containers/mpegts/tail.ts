import type { ReadableBytes } from '../container.ts'
import { NotOursError, TornHeadError } from '../errors.ts'
import { NULL_PID, PACKET_BYTES, PAT_PID, pidAt, SYNC_BYTE } from './packet.ts'
import { PacketScanner } from './packet-scanner.ts'
import { PMT_PID } from './section.ts'
import { decodeTally, type Tally, type TallyTrack, tallyBytes } from './tally.ts'

/** The first tally follows the tables at once; more packets than any programme map of ours takes. */
const HEAD_PACKETS = 64
const HEAD_PIDS: ReadonlySet<number> = new Set([PAT_PID, PMT_PID, NULL_PID])

/** Packets read at a time, about 1 MiB. */
const PIECE_PACKETS = 5577

/** More packets than any tally takes: pieces overlap by this many. */
const TALLY_PACKETS_MAX = 16

/** What is in the file up to the end of its last whole access unit. */
export interface TransportTail {
  readonly tally: Tally
  /** Totals of all tracks up to `goodBytes`. */
  readonly tracks: readonly TallyTrack[]
  readonly continuity: ReadonlyMap<number, number>
  /** Bytes up to and including the last whole access unit (or tally). */
  readonly goodBytes: number
  /** What `goodBytes` end with is the tally of a proper end. */
  readonly endsWithEndTally: boolean
  /** And nothing follows it. */
  readonly isFinished: boolean
}

/**
 * Finds the last tally and counts on from there: about a mebibyte of reading, whatever the length of the file.
 * @throws {NotOursError} no tally at the start: not written by Tapedeck
 * @throws {TornHeadError} too short to have one
 */
export async function readTail(part: ReadableBytes): Promise<TransportTail> {
  const head = await part.read(0, HEAD_PACKETS * PACKET_BYTES)
  const first = firstTally(head)
  if (first === undefined) {
    if (head.length === part.sizeBytes && isTornHead(head)) throw new TornHeadError('MPEG-TS')
    throw new NotOursError('MPEG-TS', 'no tally packet at its start')
  }
  const wholeBytes = part.sizeBytes - (part.sizeBytes % PACKET_BYTES)
  const tally = (await lastTally(part, wholeBytes)) ?? first
  return scanFrom(part, tally, wholeBytes)
}

/** Whether it is tables, and the beginning of a tally, up to its end: no packet of a track. */
function isTornHead(file: Uint8Array): boolean {
  for (let at = 0; at < file.length; at += PACKET_BYTES) {
    if (file[at] !== SYNC_BYTE) return false
    if (at + 3 <= file.length && !HEAD_PIDS.has(pidAt(file, at))) return false
  }
  return true
}

function firstTally(head: Uint8Array): Tally | undefined {
  for (let at = 0; at + PACKET_BYTES <= head.length && head[at] === SYNC_BYTE; at += PACKET_BYTES) {
    const tally = decodeTally(head, at, at)
    if (tally !== undefined) return tally
  }
  return undefined
}

/** Looks backwards from the end. */
async function lastTally(part: ReadableBytes, wholeBytes: number): Promise<Tally | undefined> {
  for (let end = wholeBytes; end > 0; ) {
    const start = Math.max(0, end - PIECE_PACKETS * PACKET_BYTES)
    const piece = await part.read(start, end - start + TALLY_PACKETS_MAX * PACKET_BYTES)
    for (let at = end - start - PACKET_BYTES; at >= 0; at -= PACKET_BYTES) {
      const tally = pidAt(piece, at) === NULL_PID ? decodeTally(piece, at, start + at) : undefined
      if (tally !== undefined) return tally
    }
    end = start
  }
  return undefined
}

async function scanFrom(part: ReadableBytes, tally: Tally, wholeBytes: number): Promise<TransportTail> {
  const scanner = new PacketScanner(tally)
  for (let position = scanner.goodBytes; position < wholeBytes; ) {
    const piece = await part.read(position, Math.min(PIECE_PACKETS * PACKET_BYTES, wholeBytes - position))
    if (piece.length < PACKET_BYTES || !scanner.scan(piece, position)) break
    position += piece.length - (piece.length % PACKET_BYTES)
  }
  const endsWithEndTally = tally.isEnd && tally.position + tallyBytes(tally) === scanner.goodBytes
  return {
    tally,
    tracks: scanner.tracks,
    continuity: scanner.continuity,
    goodBytes: scanner.goodBytes,
    endsWithEndTally,
    isFinished: endsWithEndTally && scanner.goodBytes === part.sizeBytes,
  }
}
