import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
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
  // One buffer for all pieces: a new one each would be garbage at the pace of the disk.
  const buffer = new Uint8Array(PIECE_BYTES)
  try {
    await using file = await open(path)
    for (;;) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
      if (bytesPerSecond !== Infinity) await sleep((bytesRead * 1000) / bytesPerSecond, undefined, { signal })
    }
  } catch (error) {
    signal.throwIfAborted()
    throw storageErrorFrom(error, path)
  }
}
