import type { ReadableBytes } from '../container.ts'
import { DamagedError, NotOursError } from '../errors.ts'
import { NULL_PID, PACKET_BYTES, pidAt, SYNC_BYTE } from './packet.ts'
import { PacketScanner } from './packet-scanner.ts'
import { decodeTally, type Tally, type TallyTrack, tallyBytes } from './tally.ts'

/** The first tally follows the tables at once; more packets than any programme map of ours takes. */
const HEAD_PACKETS = 64
const MIN_HEAD_PACKETS = 3

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
 * @throws {DamagedError} too short to have one
 */
export async function readTail(part: ReadableBytes): Promise<TransportTail> {
  const head = await part.read(0, HEAD_PACKETS * PACKET_BYTES)
  const first = firstTally(head)
  if (first === undefined) {
    // A kill during the very first write leaves less than the tables and the tally behind them.
    const isCutShort = part.sizeBytes < MIN_HEAD_PACKETS * PACKET_BYTES
    if (isCutShort) throw new DamagedError('MPEG-TS', 'it ends before anything was recorded')
    throw new NotOursError('MPEG-TS', 'no tally packet at its start')
  }
  const wholeBytes = part.sizeBytes - (part.sizeBytes % PACKET_BYTES)
  const tally = (await lastTally(part, wholeBytes)) ?? first
  return scanFrom(part, tally, wholeBytes)
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
