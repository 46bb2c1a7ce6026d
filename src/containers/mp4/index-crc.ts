import { crc32 } from 'node:zlib'
import type { Bytes } from './box.ts'

/**
 * How much of a finished index the CRC covers: all of one in a room of the usual size, whose pages may reach the disk in
 * any order. A longer one stands at the end of the file, and file systems extend a file only over data that is there.
 */
const COVERED_BYTES = 1024 * 1024

/** CRC-32 of the beginning of a moov, as if its pieces were joined. */
export function indexCrc(moov: Bytes): number {
  let crc = 0
  let left = COVERED_BYTES
  for (const piece of moov.pieces) {
    if (left === 0) break
    const covered = piece.subarray(0, left)
    crc = crc32(covered, crc)
    left -= covered.length
  }
  return crc
}
