import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { storageErrorFrom } from './errors.ts'

/** One piece is hashed in well under a millisecond, so that the event loop hardly notices. */
const PIECE_BYTES = 256 * 1024

/** How a file is hashed. */
export interface DigestOptions {
  readonly signal: AbortSignal
  /** Reads no faster than this, to leave the disk to the recordings. Infinity: as fast as it goes. */
  readonly bytesPerSecond: number
}

/**
 * SHA-256 of a file, lower-case hex, read in pieces.
 * @throws {StorageError} subclasses; the signal's reason when aborted
 */
export async function digestFile(path: string, { signal, bytesPerSecond }: DigestOptions): Promise<string> {
  const hash = createHash('sha256')
  const pieces = createReadStream(path, { highWaterMark: PIECE_BYTES, signal })
  try {
    for await (const piece of pieces) {
      if (!(piece instanceof Uint8Array)) continue
      hash.update(piece)
      if (bytesPerSecond !== Infinity) await sleep((piece.length * 1000) / bytesPerSecond, undefined, { signal })
    }
  } catch (error) {
    signal.throwIfAborted()
    throw storageErrorFrom(error, path)
  }
  return hash.digest('hex')
}
