import { randomBytes } from 'node:crypto'

/** Crockford's base 32: no I, L, O, U, so that ids can be read aloud. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A ULID in lower case: 48 bits of milliseconds, 80 random bits, 26 characters. Sorts by creation time and is unique
 * without coordination between nodes.
 */
export function newUlid(nowMs: number): string {
  let id = ''
  let time = nowMs
  for (let i = 0; i < 10; i++) {
    id = ALPHABET.charAt(time % 32) + id
    time = Math.floor(time / 32)
  }
  for (const byte of randomBytes(16)) id += ALPHABET.charAt(byte & 31)
  return id
}
